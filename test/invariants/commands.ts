import fc from 'fast-check';
import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { Db } from '../../src/db/index.ts';
import {
  cancelOrder,
  commitReservation,
  confirmOrder,
  createReservation,
  expireReservations,
  extendReservation,
  releaseReservation,
} from '../../src/reservations/index.ts';
import type { AdjustableQuantity, Command, Mode, Outcome } from '../../src/stock/index.ts';
import { findViolations } from '../support/audit.ts';
import { adjust, count, keyed, merchantId, type TestWriter } from '../support/stock.ts';
import { canTake, type Figures, type Model, type ModelReservation } from './model.ts';

/** The real thing. */
export type Real = {
  readonly db: Db;
  readonly pool: Pool;
  readonly writer: TestWriter;
  /** Called after each step that held. */
  readonly onStep: () => void;
};

type Step = fc.AsyncCommand<Model, Real>;

const skus = ['a', 'b', 'c'];

/** What an outcome is, for comparison with what the model expects. */
const said = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;

const submit = ({ writer }: Real, command: Command): Promise<Outcome> =>
  writer.writer.submitOne(command);

/** The id of the reservation in an answer, by itself or in the answer to an event. */
function reservationIdOf(outcome: Outcome): string {
  if (outcome.kind === 'refused') return '';
  type Body = { reservationId?: string; reservation?: { reservationId: string } };
  const { reservationId, reservation } = JSON.parse(outcome.answer.body) as Body;
  return reservationId ?? reservation?.reservationId ?? '';
}

/** A step, with what must hold after each: model = database, every audit view empty. */
function step(name: string, run: (model: Model, real: Real) => Promise<void>): Step {
  return {
    check: () => true,
    async run(model, real) {
      await run(model, real);
      await compare(model, real);
      real.onStep();
    },
    toString: () => name,
  };
}

async function compare(model: Model, { pool }: Real): Promise<void> {
  const { rows } = await pool.query<{ sku: string } & Figures & { version: number }>(
    `select sku, on_hand as "onHand", reserved, allocated, unavailable, incoming, version
     from stock_level order by sku`,
  );
  const expected = [...model.levels].toSorted(([a], [b]) => (a < b ? -1 : 1));
  expect(rows).toEqual(expected.map(([sku, level]) => ({ sku, ...level })));
  const { rows: messages } = await pool.query<{ entries: number; messages: number }>(
    `select (select count(distinct (sku, location_id, version)) from ledger_entry) as entries,
            (select count(*) from outbox_message) as messages`,
  );
  expect(messages[0]?.messages).toBe(messages[0]?.entries);
  expect(await findViolations(pool)).toEqual({});
}

function expectAdjust(model: Model, sku: string, quantity: Quantity, delta: number, mode: Mode) {
  const level = model.level(sku);
  if (level === undefined && delta === 0) return 'STOCK.NOT_FOUND';
  const effect = quantity === 'incoming' ? 0 : quantity === 'onHand' ? delta : -delta;
  const after = (level?.[quantity] ?? 0) + delta;
  const short = mode === 'guarded' && effect < 0 && model.available(sku) + effect < 0;
  if (short || after < 0) return 'STOCK.INSUFFICIENT';
  model.change(sku, { [quantity]: delta });
  return 'applied';
}

type Quantity = AdjustableQuantity & keyof Figures;
type Adjust = { sku: string; quantity: Quantity; delta: number; mode: Mode };

const adjusting: fc.Arbitrary<Adjust> = fc.record({
  sku: fc.constantFrom(...skus),
  quantity: fc.constantFrom<Quantity[]>('onHand', 'allocated', 'unavailable', 'incoming'),
  delta: fc.integer({ min: -6, max: 8 }),
  mode: fc.constantFrom<Mode[]>('guarded', 'fact'),
});

const linesOf = fc
  .array(fc.tuple(fc.constantFrom(...skus), fc.integer({ min: 1, max: 4 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((pairs) => {
    const lines = new Map<string, number>();
    for (const [sku, quantity] of pairs) lines.set(sku, (lines.get(sku) ?? 0) + quantity);
    return { pairs, lines };
  });

// Times are far apart, so that the test's own duration never decides.
const ttl = fc.constantFrom(500, 1_500, 2_500);

const adjustSteps = adjusting.map((a) =>
  step(`adjust ${JSON.stringify(a)}`, async (model, real) => {
    const { sku, ...request } = a;
    const expected = expectAdjust(model, sku, a.quantity, a.delta, a.mode);
    expect(said(await submit(real, adjust(sku, a.delta, request)))).toBe(expected);
  }),
);

const setSteps = fc
  .tuple(fc.constantFrom(...skus), fc.integer({ min: 0, max: 20 }))
  .map(([sku, onHand]) =>
    step(`set ${sku} ${onHand}`, async (model, real) => {
      model.change(sku, { onHand: onHand - (model.level(sku)?.onHand ?? 0) });
      expect(said(await submit(real, count(sku, onHand)))).toBe('applied');
    }),
  );

const wrongVersionSteps = fc
  .tuple(fc.constantFrom(...skus), fc.integer({ min: -2, max: 2 }))
  .map(([sku, off]) =>
    step(`adjust ${sku} expecting version ${off} off`, async (model, real) => {
      const expectedVersion = Math.max(0, (model.level(sku)?.version ?? 0) + off);
      const right = expectedVersion === (model.level(sku)?.version ?? 0);
      const expected = right
        ? expectAdjust(model, sku, 'onHand', 1, 'guarded')
        : 'STOCK.VERSION_CONFLICT';
      expect(said(await submit(real, adjust(sku, 1, { expectedVersion })))).toBe(expected);
    }),
  );

const keySteps = fc.tuple(fc.constantFrom('k1', 'k2', 'k3'), adjusting).map(([key, a]) =>
  step(`adjust with key ${key} ${JSON.stringify(a)}`, async (model, real) => {
    const { sku, ...request } = a;
    const text = JSON.stringify(a);
    const known = model.keys.get(key);
    const outcome = await submit(real, adjust(sku, a.delta, { ...request, key: keyed(key, text) }));
    if (known !== undefined && known.said !== text) {
      expect(said(outcome)).toBe('IDEMPOTENCY.KEY_REUSED');
    } else if (known !== undefined) {
      expect(outcome).toEqual({ kind: 'replayed', answer: known.answer });
    } else {
      expect(said(outcome)).toBe(expectAdjust(model, sku, a.quantity, a.delta, a.mode));
      if (outcome.kind === 'applied') model.keys.set(key, { said: text, answer: outcome.answer });
    }
  }),
);

const bulkSteps = fc
  .tuple(fc.array(adjusting, { minLength: 2, maxLength: 5 }), fc.boolean())
  .map(([list, atomic]) =>
    step(`bulk ${atomic ? 'atomic ' : ''}${JSON.stringify(list)}`, async (model, real) => {
      const before = structuredClone([...model.levels]);
      const expected = list.map((a) => expectAdjust(model, a.sku, a.quantity, a.delta, a.mode));
      const refusedOne = expected.some((code) => code !== 'applied');
      if (atomic && refusedOne) {
        model.levels.clear();
        for (const [sku, level] of before) model.levels.set(sku, level);
      }
      const commands = list.map(({ sku, ...request }) => adjust(sku, request.delta, request));
      const outcomes = (await real.writer.writer.submit(commands, atomic)).map(said);
      const told = (code: string): string =>
        atomic && refusedOne && code === 'applied' ? 'MUTATIONS.NOT_APPLIED' : code;
      expect(outcomes).toEqual(expected.map(told));
    }),
  );

const reserveSteps = fc.tuple(linesOf, ttl).map(([{ pairs, lines }, ttlSeconds]) =>
  step(`reserve ${JSON.stringify(pairs)} for ${ttlSeconds}`, async (model, real) => {
    const outcome = await submit(
      real,
      createReservation({
        merchantId,
        orderId: null,
        lines: pairs.map(([sku, quantity]) => ({ storeId: 'main', sku, quantity })),
        ttlSeconds,
        actor: null,
      }),
    );
    if (!canTake(model, lines)) {
      expect(said(outcome)).toBe('STOCK.INSUFFICIENT');
      return;
    }
    expect(said(outcome)).toBe('applied');
    for (const [sku, quantity] of lines) model.change(sku, { reserved: quantity });
    const expiresAt = model.now + ttlSeconds;
    const id = reservationIdOf(outcome);
    model.reservations.push({ id, orderId: null, lines, status: 'active', expiresAt });
  }),
);

/** A step on one of the reservations made so far. */
function moveStep(
  name: string,
  move: (model: Model, real: Real, reservation: ModelReservation) => Promise<void>,
): fc.Arbitrary<Step> {
  return fc.nat(9).map((index) => ({
    ...step(`${name} reservation ${index}`, async (model, real) => {
      const reservation = model.reservations[index % model.reservations.length];
      if (reservation !== undefined) await move(model, real, reservation);
    }),
    check: (model: Readonly<Model>) => model.reservations.length > 0,
  }));
}

const statusOf = (model: Model, { status, expiresAt }: ModelReservation): string =>
  status === 'active' && expiresAt <= model.now ? 'expired' : status;

const input = ({ id }: ModelReservation) => ({ merchantId, reservationId: id, actor: null });

const commitSteps = moveStep('commit', async (model, real, reservation) => {
  const status = statusOf(model, reservation);
  const outcome = await submit(real, commitReservation(input(reservation), 'if-available'));
  if (status === 'committed') return expect(said(outcome)).toBe('applied');
  if (status === 'released' || status === 'returned') {
    return expect(said(outcome)).toBe('RESERVATION.NOT_ACTIVE');
  }
  if (status === 'expired' && !canTake(model, reservation.lines)) {
    return expect(said(outcome)).toBe('RESERVATION.EXPIRED');
  }
  const onHand = (sku: string): number => model.level(sku)?.onHand ?? 0;
  if ([...reservation.lines].some(([sku, quantity]) => onHand(sku) < quantity)) {
    return expect(said(outcome)).toBe('STOCK.INSUFFICIENT');
  }
  expect(said(outcome)).toBe('applied');
  const held = reservation.status === 'active';
  for (const [sku, quantity] of reservation.lines) {
    model.change(sku, { onHand: -quantity, ...(held ? { reserved: -quantity } : {}) });
  }
  reservation.status = 'committed';
});

const releaseSteps = moveStep('release', async (model, real, reservation) => {
  const status = statusOf(model, reservation);
  const outcome = await submit(real, releaseReservation(input(reservation)));
  if (status === 'released') return expect(said(outcome)).toBe('applied');
  if (status !== 'active') return expect(said(outcome)).toBe('RESERVATION.NOT_ACTIVE');
  expect(said(outcome)).toBe('applied');
  for (const [sku, quantity] of reservation.lines) model.change(sku, { reserved: -quantity });
  reservation.status = 'released';
});

const extendSteps = moveStep('extend', async (model, real, reservation) => {
  const active = statusOf(model, reservation) === 'active';
  const outcome = await submit(real, extendReservation(input(reservation), 1_500));
  expect(said(outcome)).toBe(active ? 'applied' : 'RESERVATION.NOT_ACTIVE');
  if (!active) return;
  reservation.expiresAt = model.now + 1_500;
  for (const sku of reservation.lines.keys()) model.change(sku, {});
});

const orderSteps = fc
  .tuple(fc.constantFrom('o1', 'o2'), fc.constantFrom(...skus), fc.boolean())
  .map(([orderId, sku, confirm]) =>
    step(`${confirm ? 'confirm' : 'cancel'} ${orderId} of 2 ${sku}`, async (model, real) => {
      const event = {
        merchantId,
        orderId,
        lines: confirm ? [{ storeId: 'main', sku, quantity: 2 }] : [],
        sourceChannel: 'shop',
        actor: null,
        occurredAt: null,
      };
      const outcome = await submit(
        real,
        confirm ? confirmOrder(event, 'never') : cancelOrder(event),
      );
      const order = model.reservations.find((r) => r.orderId === orderId);
      const id = reservationIdOf(outcome);
      const expected = confirm
        ? confirmed(model, order, { ...event, id })
        : cancelled(model, order);
      expect(said(outcome)).toBe(expected);
    }),
  );

function confirmed(
  model: Model,
  order: ModelReservation | undefined,
  event: {
    readonly id: string;
    readonly orderId: string;
    readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  },
): string {
  const { id, orderId, lines } = event;
  if (order?.status === 'returned') return 'ORDER.CANCELLED';
  const wanted = new Map(lines.map(({ sku, quantity }) => [sku, quantity]));
  if (order !== undefined) {
    const same = [...wanted.keys()].every((sku) => order.lines.has(sku));
    return same ? 'applied' : 'ORDER.LINES_DIFFER';
  }
  if (!canTake(model, wanted)) return 'STOCK.INSUFFICIENT';
  for (const [sku, quantity] of wanted) model.change(sku, { onHand: -quantity });
  model.reservations.push({
    id,
    orderId,
    lines: wanted,
    status: 'committed',
    expiresAt: model.now,
  });
  return 'applied';
}

function cancelled(model: Model, order: ModelReservation | undefined): string {
  if (order === undefined) return 'ORDER.NOT_FOUND';
  if (order.status === 'returned') return 'applied';
  for (const [sku, quantity] of order.lines) model.change(sku, { onHand: quantity });
  order.status = 'returned';
  return 'applied';
}

const timeSteps = fc.constantFrom(1_000, 2_000).map((seconds) =>
  step(`${seconds} s pass`, async (model, real) => {
    model.now += seconds;
    real.writer.clock.offsetMs += seconds * 1_000;
  }),
);

const sweepSteps = fc.constant(
  step('sweep', async (model, { db, writer }) => {
    const ended = model.sweep();
    expect(await expireReservations(db, writer.writer, writer.clock)).toBe(ended);
  }),
);

/** Every kind of step; fast-check shrinks a failing sequence of them. */
export const steps: fc.Arbitrary<Step>[] = [
  adjustSteps,
  setSteps,
  wrongVersionSteps,
  keySteps,
  bulkSteps,
  reserveSteps,
  reserveSteps,
  commitSteps,
  releaseSteps,
  extendSteps,
  orderSteps,
  timeSteps,
  sweepSteps,
];
