import type { Asked, LevelName, MoveAsked, Operation, Outcome, ShownLevel } from './operation.ts';

/** What one request asks for: one thing, or the mutations of a bulk request. */
export type Call = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly bulk?: NonNullable<Operation['bulk']>;
  readonly parts: readonly Part[];
};

export type Part = Pick<Operation, 'id' | 'asked' | 'hasKey' | 'misusesKeyOf'>;

export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};

/** How a single change may be asked for. */
export type Way = 'route' | 'level' | 'event';

const levelPath = ({ storeId, sku }: LevelName): string =>
  `/api/inventory/stores/${encodeURIComponent(storeId)}/inventory/${encodeURIComponent(sku)}`;

/** The request for one thing. Events have a key always: their source and id. */
export function callOf(part: Part, way: Way = 'route'): Call {
  const { asked, id } = part;
  const keyed = part.hasKey ? { key: part.misusesKeyOf ?? id } : {};
  const parts = [part];
  switch (asked.kind) {
    case 'read':
      return { method: 'GET', path: levelPath(asked.level), parts };
    case 'adjust': {
      const { level, kind: _, ...change } = asked;
      const body = { ...change, reason: 'load', reference: id };
      if (way === 'event') return eventOf(part, 'inventory.adjusted', { ...level, ...body });
      return { method: 'POST', path: `${levelPath(level)}/adjust`, body, ...keyed, parts };
    }
    case 'set': {
      const { level, kind: _, ...change } = asked;
      const body = { ...change, reason: 'load', reference: id };
      return { method: 'PUT', path: levelPath(level), body, ...keyed, parts };
    }
    case 'hold': {
      const { orderId, lines, ttlSeconds, expectedVersion } = asked;
      const [line] = lines;
      if (way === 'level' && line !== undefined) {
        const body = { orderId, quantity: line.quantity, ttlSeconds, expectedVersion };
        return { method: 'POST', path: `${levelPath(line)}/reserve`, body, ...keyed, parts };
      }
      const body = { orderId, lines, ttlSeconds };
      return { method: 'POST', path: '/api/reservations', body, ...keyed, parts };
    }
    case 'confirm':
    case 'cancel':
      return eventOf(part, `order.${asked.kind === 'confirm' ? 'confirmed' : 'cancelled'}`, {
        orderId: asked.orderId,
        ...(asked.kind === 'confirm' ? { lines: asked.lines } : {}),
        ...(asked.reservationId === null ? {} : { reservationId: asked.reservationId }),
      });
    default:
      return { ...moveCall(asked), ...keyed, parts };
  }
}

function moveCall({ kind, reservationId, ttlSeconds }: MoveAsked) {
  const path = `/api/reservations/${reservationId}/${kind}`;
  return { method: 'POST' as const, path, body: kind === 'extend' ? { ttlSeconds } : {} };
}

function eventOf(part: Part, type: string, data: unknown): Call {
  const body = { specversion: '1.0', id: part.id, source: 'load', type, data };
  return { method: 'POST', path: '/api/events', body, parts: [part] };
}

/** One request for many changes; each has its id as key. */
export function bulkOf(id: string, atomic: boolean, parts: readonly Part[], key?: string): Call {
  const mutations = parts.map(({ id: mutation, asked }) => {
    if (asked.kind !== 'adjust' && asked.kind !== 'set') throw new Error('not a mutation');
    const { level, kind, ...change } = asked;
    return { id: mutation, type: kind, ...level, ...change, reason: 'load', reference: mutation };
  });
  const call: Call = {
    method: 'POST',
    path: '/api/mutations',
    body: { atomic, mutations },
    bulk: { id, atomic },
    parts,
  };
  return key === undefined ? call : { ...call, key };
}

type Result = {
  readonly status: string;
  readonly code?: string;
  readonly version?: number;
  readonly available?: number;
};

/** What an answer says of each part of its request, in their order. */
export function outcomesOf({ bulk, parts }: Call, { status, body }: Answer): readonly Outcome[] {
  const results = body['results'] as readonly Result[] | undefined;
  if (bulk !== undefined && results !== undefined) {
    return parts.map((part, index) => resultOf(part.asked, results[index]));
  }
  const outcome: Outcome =
    status < 300 ? { kind: 'ok', ...shownIn(body) } : refusal(body['code'], body);
  return parts.map(() => outcome);
}

function refusal(code: unknown, problem: Answer['body']): Outcome {
  return { kind: 'refused', code: String(code), problem };
}

function resultOf(asked: Asked, result: Result | undefined): Outcome {
  if (result === undefined) return refusal('NO.RESULT', {});
  const { status, code, version, available } = result;
  if (status === 'rejected') return refusal(code, {});
  if (version === undefined || available === undefined || !('level' in asked)) {
    return refusal('NO.FIGURES', result);
  }
  return { kind: 'ok', shown: [{ ...asked.level, version, available }] };
}

type ShownReservation = { readonly reservationId: string; readonly expiresAt: string };

/** The level and the reservation of an answer, wherever it has them. */
function shownIn(body: Answer['body']) {
  const level = ('version' in body ? body : body['level']) as ShownLevel | undefined;
  const holder = 'reservationId' in body ? body : body['reservation'];
  const reservation = holder as ShownReservation | undefined;
  return {
    shown: level === undefined ? [] : [level],
    ...(reservation === undefined
      ? {}
      : {
          reservationId: reservation.reservationId,
          expiresAtMs: Date.parse(reservation.expiresAt),
        }),
  };
}
