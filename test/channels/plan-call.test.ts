import { expect, test } from 'vitest';
import { backoffMs, deadLetterQueue, messageIdOf, queueName } from '../../src/channels/index.ts';
import { planLatest, type DueListing } from '../../src/channels/index.ts';

const recordedAt = new Date('2026-11-21T00:00:00Z');
const level = { version: 7, recordedAt, onHand: 40, available: 38, endedHolds: 0 };
const noOwn = {
  versions: 0,
  effect: 0,
  hasNoEffect: false,
  overwrittenEffect: 0,
  hasOverwritten: false,
};
const rules = { buffer: null, version: 0, isLagging: false, isMoved: false };
const due: DueListing = {
  jobId: 'job',
  sku: 'A',
  storeId: 'main',
  externalIds: null,
  publishedQuantity: 40,
  publishedOnHand: 40,
  publishedVersion: 5,
  pendingSince: recordedAt,
  nonce: null,
  toldRules: 0,
  rulesVersion: 0,
  isPaused: false,
  unansweredQuantity: null,
  level,
  own: noOwn,
};
const own = (effect: number, hasNoEffect = false) => ({
  ...noOwn,
  versions: 1,
  effect,
  hasNoEffect,
});

test.each<[string, Partial<DueListing>, number | 'echo' | 'nothing']>([
  ['a newer version', {}, 38],
  ['the version it has', { publishedVersion: 7 }, 'nothing'],
  ['the version it has, republished', { publishedVersion: 7, nonce: 'n' }, 38],
  ['no level yet', { level: null }, 'nothing'],
  ['oversold', { level: { ...level, available: -3 } }, 0],
  ['a hold that has ended', { level: { ...level, available: 38, endedHolds: 2 } }, 40],
  ['its own sale', { own: own(-2) }, 'echo'],
  ['its own sale, republished', { own: own(-2), nonce: 'n' }, 38],
  ['its own sale and that of another', { own: own(-1) }, 38],
  ['its own sale of what was reserved', { own: own(-2, true) }, 38],
  ['its own sale before it was told anything', { own: own(-2), publishedQuantity: null }, 38],
  ['its own sale below nothing', { own: own(-42), level: { ...level, available: -2 } }, 0],
  ['its own sale of the rest', { own: own(-40), level: { ...level, available: 0 } }, 'echo'],
  ['another change that leaves the figure', { level: { ...level, available: 40 } }, 40],
])('what a latest channel is told of %s', (_, changes, expected) => {
  const step = planLatest({ ...due, ...changes }, rules);
  const [change] = step.changes;
  const silence = step.isEcho ? 'echo' : 'nothing';
  expect(change === undefined ? silence : change.available).toBe(expected);
  // Settled at what was sent or is known: never beyond the level that was read.
  const known = expected === 'nothing' ? (changes.publishedVersion ?? 5) : 7;
  expect(step.settlement.version).toBe(known);
});

const retry = { baseMs: 1_000, maxMs: 30_000, multiplier: 2, maxAttempts: 10, deadLetters: true };

test.each([
  [1, 0, 500],
  [1, 1, 1_000],
  [3, 1, 4_000],
  [6, 1, 30_000],
  [10, 0, 15_000],
])('after attempt %i at chance %d it waits %d ms', (attempt, chance, expected) => {
  expect(backoffMs(retry, attempt, chance)).toBe(expected);
});

test.each([
  ['default', 'web-1', 'channel.default.web-1'],
  ['default', 'web.1', 'channel.default.web/2e1'],
  ['a.b', 'c', 'channel.a/2eb.c'],
  ['a', 'b.c', 'channel.a.b/2ec'],
  ['default', 'Zürich / 2', 'channel.default.Z/c3/bcrich/20/2f/202'],
  ['default', '😀', 'channel.default./f0/9f/98/80'],
])("the queue of %s's channel %s is %s", (merchant, channel, expected) => {
  const name = queueName(merchant, channel);
  expect(name).toBe(expected);
  expect(deadLetterQueue(name)).toMatch(/^[\w.\-/]+\.dead$/);
});

test('a message id follows from the content and from nothing else', () => {
  const [change] = planLatest(due, rules).changes;
  if (change === undefined) throw new Error('nothing to send');
  const id = messageIdOf('default', 'web', [change], [null]);
  const later = { ...change, recordedAt: new Date() };
  expect(messageIdOf('default', 'web', [later], [])).toBe(id);
  for (const other of [
    messageIdOf('other', 'web', [change], [null]),
    messageIdOf('default', 'shop', [change], [null]),
    messageIdOf('default', 'web', [{ ...change, version: 8 }], [null]),
    messageIdOf('default', 'web', [{ ...change, available: 37 }], [null]),
    messageIdOf('default', 'web', [change], ['nonce']),
  ]) {
    expect(other).not.toBe(id);
  }
});

test.each<[string, Partial<DueListing>, boolean, number | null]>([
  ['what it was told', {}, false, 40],
  ['what it was told less its own sale', { own: own(-3) }, false, 37],
  ['nothing, where it was told nothing', { publishedQuantity: null }, false, null],
  ['nothing, where it is called otherwise now', { nonce: 'moved-1' }, false, null],
  ['nothing, where the channel is elsewhere now', {}, true, null],
])('a channel is expected to show %s', (_, changes, isMoved, expected) => {
  const [change] = planLatest({ ...due, ...changes }, { ...rules, isMoved }).changes;
  expect(change?.previous).toBe(expected);
});
