import { expect, test } from 'vitest';
import { checkHistory, type ViolationKind } from '../support/history/index.ts';
import { main, tellStory, type Scene } from './history-fixture.ts';

/** Kinds of violations that the checker finds in a story. */
function kindsIn(scene: Scene): ViolationKind[] {
  const violations = checkHistory(scene, scene, { clockSlackMs: 0 });
  return [...new Set(violations.map(({ kind }) => kind))].toSorted();
}

function operation(scene: Scene, id: string): Scene['operations'][number] {
  const found = scene.operations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no ${id} in the story`);
  return found;
}

function shownIn(scene: Scene, id: string) {
  const { outcome } = operation(scene, id);
  const [level] = outcome.kind === 'ok' ? outcome.shown : [];
  if (level === undefined) throw new Error(`${id} shows nothing`);
  return level;
}

function problemOf(scene: Scene, id: string): Record<string, unknown> {
  const { outcome } = operation(scene, id);
  if (outcome.kind !== 'refused') throw new Error(`${id} is not refused`);
  return outcome.problem;
}

function entry(scene: Scene, mark: string, storeId = 'main'): Scene['entries'][number] {
  const found = scene.entries.find(
    (one) => `${one.reason}|${one.reference}` === mark && one.storeId === storeId,
  );
  if (found === undefined) throw new Error(`no ${mark} in the ledger`);
  return found;
}

/** One more version of the level `main`, for a mark, that changes on hand. */
function append(scene: Scene, mark: string, delta: number): void {
  const [reason = '', reference = ''] = mark.split('|');
  const row = scene.levels.find((level) => level.storeId === 'main');
  if (row === undefined) throw new Error('no level');
  row.version += 1;
  row.onHand += delta;
  const { version, onHand: balanceAfter } = row;
  const last = entry(scene, 'load|after');
  const recordedAtMs = operation(scene, 'last').startMs;
  const more = { reason, reference, delta, balanceAfter, version, recordedAtMs };
  scene.entries.push({ ...last, ...more, commandId: 'another' });
}

test('a story in which nothing is wrong has no violations', () => {
  expect(kindsIn(tellStory())).toEqual([]);
});

type Break = readonly [kind: ViolationKind, what: string, make: (scene: Scene) => void];

const breaks: readonly Break[] = [
  [
    'gap',
    'a version is missing',
    ({ entries }) =>
      void entries.splice(
        entries.findIndex((one) => one.reference === 'sale'),
        1,
      ),
  ],
  [
    'gap',
    'two commands have one version',
    (scene) => {
      const more = { quantity: 'allocated', delta: 0, balanceAfter: 0, commandId: 'x' } as const;
      scene.entries.push({ ...entry(scene, 'load|after'), ...more });
    },
  ],
  ['balance', 'a balance is not the sum', (scene) => (entry(scene, 'load|sale').balanceAfter = 9)],
  [
    'balance',
    'a level is not its ledger',
    ({ levels }) => levels.forEach((level) => (level.onHand += 1)),
  ],
  ['balance', 'a level is missing', ({ levels }) => void levels.pop()],
  [
    'lost',
    'an answer has no entry',
    (scene) => scene.operations.push({ ...operation(scene, 'sale'), id: 'other' }),
  ],
  [
    'lost',
    'a commit that was answered was not done, nor another that makes it needless',
    (scene) => {
      const commit = operation(scene, 'commit');
      const asked = { ...commit.asked, orderId: 'brief', lines: [{ ...main, quantity: 5 }] };
      scene.operations.push({ ...commit, id: 'other', asked });
    },
  ],
  ['doubled', 'a sale was made twice', (scene) => append(scene, 'load|sale', -1)],
  ['unexpected', 'nobody asked for an entry', (scene) => append(scene, 'load|nobody', 1)],
  ['unexpected', 'what was refused was done', (scene) => append(scene, 'load|stale', 1)],
  [
    'unexpected',
    'a used key did something else',
    (scene) => (operation(scene, 'sale').misusesKeyOf = 'open-main'),
  ],
  [
    'unexpected',
    'a hold ended before its time',
    (scene) => (entry(scene, 'reservation.expired|brief').recordedAtMs -= 3_000),
  ],
  ['unexpected', 'a hold ended twice', (scene) => append(scene, 'reservation.expired|order', 1)],
  [
    'oversold',
    'a hold took more than there was',
    (scene) => {
      Object.assign(operation(scene, 'brief').asked, { lines: [{ ...main, quantity: 6 }] });
      Object.assign(entry(scene, 'reservation.created|brief'), { delta: 6, balanceAfter: 6 });
      entry(scene, 'reservation.expired|brief').delta = -6;
    },
  ],
  [
    'oversold',
    'what was held was sold to another',
    (scene) => Object.assign(operation(scene, 'brief').asked, { ttlSeconds: 60 }),
  ],
  [
    'wrong-change',
    'another figure was changed than was asked for',
    (scene) => Object.assign(operation(scene, 'sale').asked, { delta: -1 }),
  ],
  [
    'wrong-change',
    'an expected version was not compared',
    (scene) => Object.assign(operation(scene, 'sale').asked, { expectedVersion: 9 }),
  ],
  ['wrong-figures', 'a change shows what was not', (scene) => (shownIn(scene, 'sale').onHand = 9)],
  [
    'wrong-figures',
    'a change shows another version',
    (scene) => (shownIn(scene, 'sale').version = 1),
  ],
  ['wrong-figures', 'a read shows what was not', (scene) => (shownIn(scene, 'look').available = 9)],
  [
    'wrong-figures',
    'a read shows a version that never was',
    (scene) => (shownIn(scene, 'last').version = 99),
  ],
  [
    'wrong-figures',
    'a hold lasts until another time',
    (scene) => Object.assign(operation(scene, 'hold').outcome, { expiresAtMs: 1 }),
  ],
  [
    'wrong-refusal',
    'a refusal states what never was available',
    (scene) => (problemOf(scene, 'greedy')['available'] = 7),
  ],
  [
    'wrong-refusal',
    'a refusal states another wish',
    (scene) => (problemOf(scene, 'greedy')['requested'] = 8),
  ],
  [
    'wrong-refusal',
    'a refusal states what was available at another time',
    (scene) => {
      Object.assign(operation(scene, 'greedy').asked, { delta: -11 });
      Object.assign(problemOf(scene, 'greedy'), { available: 10, requested: 11 });
    },
  ],
  [
    'wrong-refusal',
    'a wish was refused that could be had',
    (scene) => Object.assign(operation(scene, 'greedy').asked, { delta: -8 }),
  ],
  [
    'wrong-refusal',
    'a conflict shows another level',
    (scene) => Object.assign(problemOf(scene, 'stale')['level'] as object, { onHand: 9 }),
  ],
  [
    'wrong-refusal',
    'a conflict is none',
    (scene) => Object.assign(operation(scene, 'stale').asked, { expectedVersion: 2 }),
  ],
  ['wrong-refusal', 'no line is short', (scene) => (problemOf(scene, 'big')['lines'] = [])],
  [
    'wrong-refusal',
    'a reservation is refused for a status that it had not',
    (scene) => (problemOf(scene, 'release')['reservationStatus'] = 'released'),
  ],
  [
    'wrong-refusal',
    'a key is said to be used that is not',
    (scene) =>
      Object.assign(operation(scene, 'greedy').outcome, { code: 'IDEMPOTENCY.KEY_REUSED' }),
  ],
  [
    'wrong-refusal',
    'an atomic request is refused without a reason',
    (scene) => {
      const outcome = { kind: 'refused', code: 'MUTATIONS.NOT_APPLIED', problem: {} } as const;
      const bulk = { id: 'other', atomic: true };
      scene.operations.push({ ...operation(scene, 'greedy'), id: 'other', bulk, outcome });
    },
  ],
  [
    'real-time',
    'what began later has the lower version',
    (scene) => {
      const { endMs } = operation(scene, 'look');
      Object.assign(operation(scene, 'open-main'), { startMs: endMs + 1, endMs: endMs + 2 });
    },
  ],
  [
    'real-time',
    'a read shows what began after it',
    (scene) => Object.assign(shownIn(scene, 'look'), { ...shownIn(scene, 'last') }),
  ],
  [
    'went-back',
    'a read shows an older version than was shown before',
    (scene) => Object.assign(shownIn(scene, 'last'), { ...shownIn(scene, 'look') }),
  ],
  [
    'torn',
    'an order was held in one store only',
    (scene) => {
      const lines = [
        { ...main, quantity: 5 },
        { storeId: 'south', sku: 'lamp', quantity: 1 },
      ];
      Object.assign(operation(scene, 'brief').asked, { lines });
    },
  ],
  [
    'torn',
    'an order was committed by two commands',
    (scene) => (entry(scene, 'reservation.committed|order', 'north').commandId = 'x'),
  ],
  [
    'torn',
    'an order was committed at two moments',
    (scene) => (entry(scene, 'reservation.committed|order', 'north').recordedAtMs += 1),
  ],
  [
    'torn',
    'of an atomic request a part was done',
    (scene) => {
      const { bulk } = operation(scene, 'bulk-main');
      if (bulk !== undefined)
        scene.operations.push({ ...operation(scene, 'greedy'), id: 'x', bulk });
    },
  ],
  [
    'answers-differ',
    'a repeat was answered otherwise',
    (scene) => (operation(scene, 'sale').differing = 'one and another'),
  ],
  [
    'unsettled',
    'a key was never answered',
    (scene) => (operation(scene, 'sale').outcome = { kind: 'unknown', why: 'reset' }),
  ],
];

test.each(breaks)('%s: %s', (kind, _, make) => {
  const scene = tellStory();
  make(scene);
  expect(kindsIn(scene)).toContain(kind);
});

test('every kind of violation is shown to be found', () => {
  const kinds: Record<ViolationKind, true> = {
    gap: true,
    balance: true,
    lost: true,
    doubled: true,
    unexpected: true,
    oversold: true,
    'wrong-change': true,
    'wrong-figures': true,
    'wrong-refusal': true,
    'real-time': true,
    'went-back': true,
    torn: true,
    'answers-differ': true,
    unsettled: true,
  };
  expect([...new Set(breaks.map(([kind]) => kind))].toSorted()).toEqual(
    Object.keys(kinds).toSorted(),
  );
});

test('without a key nobody knows, and both are right', () => {
  const scene = tellStory();
  const outcome = { kind: 'unknown', why: 'reset' } as const;
  Object.assign(operation(scene, 'sale'), { hasKey: false, outcome });
  scene.operations.push({ ...operation(scene, 'sale'), id: 'undone' });
  expect(kindsIn(scene)).toEqual([]);
});

test('what overlaps may come in any order', () => {
  const scene = tellStory();
  const { startMs, endMs } = operation(scene, 'look');
  Object.assign(operation(scene, 'open-main'), { startMs: startMs - 5, endMs });
  Object.assign(operation(scene, 'sale'), { startMs: startMs - 5, endMs });
  expect(kindsIn(scene)).toEqual([]);
});
