import { expect, test } from 'vitest';
import { checkDeliveries, type ChannelCall, type Deliveries } from '../support/delivery/index.ts';
import { availableAt, replayLedger, ttlsOf } from '../support/history/index.ts';
import { tellStory, type Open, type Scene } from './history-fixture.ts';

const names = ['main lamp', 'north lamp'];

/** A channel that was told of every version at once, entry by entry or with the newest figures. */
function deliver(scene: Scene, mode: 'latest' | 'every'): Open<ChannelCall[]> {
  const { stories } = replayLedger(scene, new Set(names), ttlsOf(scene.operations));
  return [...stories.values()].flatMap(({ level, steps }) =>
    steps.map(({ version, after, recordedAtMs }): Open<ChannelCall> => {
      const [storeId = '', sku = ''] = level.split(' ');
      const { onHand, reserved } = after.figures;
      const change = {
        storeId,
        sku,
        version,
        onHand,
        available: onHand - reserved,
        recordedAt: new Date(recordedAtMs).toISOString(),
      };
      const entries = scene.entries.filter(
        (entry) => `${entry.storeId} ${entry.sku}` === level && entry.version === version,
      );
      const single = entries.map(({ entryId, quantity, delta, reason }) => {
        return {
          ...change,
          available: Math.max(0, change.available),
          entryId,
          quantity,
          delta,
          reason,
        };
      });
      const latest = [{ ...change, available: availableAt(after, recordedAtMs) }];
      return {
        id: `${level} ${version}`,
        changes: mode === 'every' ? single : latest,
        arrivedMs: recordedAtMs + 1,
        takenMs: [recordedAtMs + 2],
        acknowledgedMs: recordedAtMs + 3,
      };
    }),
  );
}

function check(
  mode: 'latest' | 'every',
  make?: (calls: Open<ChannelCall[]>, scene: Scene) => void,
) {
  const scene = tellStory();
  const calls = deliver(scene, mode);
  make?.(calls, scene);
  const found = checkDeliveries(calls, scene, {
    mode,
    history: scene,
    channelId: 'web',
    clockSlackMs: 0,
  });
  return { ...found, kinds: kindsIn(found) };
}

function kindsIn(found: Deliveries): string[] {
  return Object.entries(found).flatMap(([kind, list]) =>
    Array.isArray(list) && list.length > 0 ? [kind] : [],
  );
}

type Calls = Open<ChannelCall[]>;

/** The last call for a level of a store. */
function lastAt(calls: Calls, storeId: string): Calls[number] {
  const found = calls.findLast(({ changes }) => changes[0]?.storeId === storeId);
  if (found === undefined) throw new Error(`nothing was sent for ${storeId}`);
  return found;
}

function changeIn({ changes }: Calls[number]): Calls[number]['changes'][number] {
  const [change] = changes;
  if (change === undefined) throw new Error('an empty call');
  return change;
}

/** The call that tells of the hold of 1 s, which leaves nothing. */
function brief(calls: Calls): Calls[number] {
  const found = calls.find(({ changes: [change] }) => {
    return change?.onHand === 5 && change.available === 0;
  });
  if (found === undefined) throw new Error('the brief hold was not told');
  return found;
}

/** Sends the first call again, some time after the second was acknowledged. */
function sendAgain(calls: Calls, afterMs: number): void {
  const [first, second] = calls;
  if (first === undefined || second === undefined) throw new Error('no calls');
  calls.push({ ...first, arrivedMs: (second.acknowledgedMs ?? 0) + afterMs });
}

test.each(['latest', 'every'] as const)('in %s mode nothing is wrong with all, once', (mode) => {
  expect(check(mode)).toMatchObject({ kinds: [], duplicates: 0 });
});

test('in latest mode versions may be left out, but not the newest', () => {
  expect(check('latest', (calls) => void calls.splice(1, 2)).kinds).toEqual([]);
  const last = check(
    'latest',
    (calls) => void calls.splice(calls.indexOf(lastAt(calls, 'main')), 1),
  );
  expect(last.kinds).toContain('lost');
});

test('in every mode each entry has to be taken', () => {
  expect(check('every', (calls) => void calls.splice(1, 1)).kinds).toEqual(['lost']);
  expect(check('every', (calls) => void (calls[1] && (calls[1].takenMs = []))).kinds).toEqual([
    'lost',
  ]);
});

test("a channel's own entries need not be told to it", () => {
  const { kinds } = check('every', (calls, scene) => {
    const [call] = calls.splice(1, 1);
    const id = call === undefined ? '' : changeIn(call).entryId;
    for (const entry of scene.entries) if (entry.entryId === id) entry.sourceChannel = 'web';
  });
  expect(kinds).toEqual([]);
});

test.each([
  ['available', 99],
  ['onHand', 99],
  ['version', 99],
  ['recordedAt', '2020-01-01T00:00:00.000Z'],
] as const)('a wrong %s is unexpected', (member, value) => {
  const wrong = (calls: Calls): void => {
    const [, second] = calls;
    if (second !== undefined) Object.assign(changeIn(second), { [member]: value });
  };
  expect(check('latest', wrong).kinds).toContain('unexpected');
  expect(check('every', wrong).kinds).toContain('unexpected');
});

test.each([
  ['entryId', 'ent_999'],
  ['delta', 99],
  ['quantity', 'allocated'],
  ['reason', 'another'],
] as const)('an entry with a wrong %s is unexpected', (member, value) => {
  const { kinds } = check('every', (calls) => {
    const [, second] = calls;
    if (second !== undefined) Object.assign(changeIn(second), { [member]: value });
  });
  expect(kinds).toContain('unexpected');
});

/** Tells of the hold of 1 s as free, some time later. */
function tellAsFree(calls: Calls, afterMs: number): void {
  const call = brief(calls);
  changeIn(call).available = 5;
  call.arrivedMs += afterMs;
}

test('a hold that has ended may be told as free, and not before', () => {
  expect(check('latest', (calls) => tellAsFree(calls, 100)).kinds).toEqual(['unexpected']);
  expect(check('latest', (calls) => tellAsFree(calls, 1_500)).unexpected).toEqual([]);
});

test('an older version after a newer one was acknowledged goes back', () => {
  expect(check('latest', (calls) => sendAgain(calls, 1)).kinds).toEqual(['wentBack']);
  // It was sent before the newer one was acknowledged: the channel has to look at the version.
  expect(check('latest', (calls) => sendAgain(calls, -1)).kinds).toEqual([]);
  // Entries are repeated after a lost answer.
  expect(check('every', (calls) => sendAgain(calls, 1))).toMatchObject({
    kinds: [],
    duplicates: 1,
  });
});

test('entries that are out of order go back', () => {
  const { kinds } = check('every', (calls) => {
    const [first, second] = calls;
    if (first === undefined || second === undefined) throw new Error('no calls');
    [first.arrivedMs, second.arrivedMs] = [second.arrivedMs, first.arrivedMs];
  });
  expect(kinds).toContain('wentBack');
});

test('what is taken twice is counted', () => {
  const { duplicates, kinds } = check('latest', (calls) =>
    calls[0]?.takenMs.push(calls[0].arrivedMs),
  );
  expect({ duplicates, kinds }).toEqual({ duplicates: 1, kinds: [] });
});

test('another figure in the end is wrong', () => {
  const { wrongAtEnd } = check('latest', (calls) => {
    changeIn(lastAt(calls, 'north')).available += 1;
  });
  expect(wrongAtEnd).toEqual(['north lamp: shows 10, available are 9']);
});
