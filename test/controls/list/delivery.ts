import type { Control } from '../control.ts';

/** Promises of delivery: what channels are told, in which order, and that it arrives. */
export const deliveryControls: readonly Control[] = [
  {
    id: 'acknowledged-before-sent',
    promise: 'A figure counts as told when the channel has taken it, not before it is sent.',
    changes: [
      {
        file: 'src/jobs/make-call.ts',
        before: '  const report = await input.gate.pass(',
        after:
          '  await finish(input, call, { startedAt: startOf(clock), messageId, durationMs: 0, ' +
          'result: { ok: true }, isStored, toldAt: null });\n' +
          '  const report = await input.gate.pass(',
      },
    ],
    test: 'test/jobs/recovery.test.ts',
    name: 'when the leader is killed another goes on with what it left',
  },
  {
    id: 'job-for-each-remainder',
    promise: 'What is left of many jobs goes on in few.',
    changes: [
      {
        file: 'sql/functions/listing_record.sql',
        before: '/ p_batch + 1] end as next',
        after: '+ 1] end as next',
      },
    ],
    test: 'test/channels/listing-record.test.ts',
    name: 'listings of many jobs that are due again go on in few',
  },
  {
    id: 'sweep-from-the-start',
    promise: 'A page of a sweep costs the same, however many levels lie before it.',
    changes: [
      {
        file: 'sql/functions/listing_sweep.sql',
        before:
          "(s.sku, s.location_id) > (coalesce(p_after_sku, ''), coalesce(p_after_location, ''))",
        after: '(p_after_sku is null or (s.sku, s.location_id) > (p_after_sku, p_after_location))',
      },
    ],
    test: 'test/channels/plans.test.ts',
    name: 'costs the same for any page',
  },
  {
    id: 'swept-row-by-row',
    promise: 'What a sweep costs follows the number of levels in a page.',
    changes: [
      {
        file: 'sql/functions/listing_sweep.sql',
        before: 'from page p full join theirs',
        after: 'from page p left join theirs',
      },
    ],
    test: 'test/channels/plans.test.ts',
    name: 'costs about ten times as much for a page ten times as large',
  },
  {
    id: 'lost-claim-looked-for-once',
    promise: 'A claim whose answer was lost is taken up, also when it is carried out late.',
    changes: [
      {
        file: 'src/jobs/channel-upkeep.ts',
        before: 'this.#lookAgainAt = performance.now() + betweenChecksMs;',
        after: 'this.#lookAgainAt = undefined;',
      },
    ],
    test: 'test/jobs/recovery.test.ts',
    name: 'a claim that is carried out after its connection broke is taken up as well',
  },
  {
    id: 'failed-call',
    promise: 'A call that failed is tried again.',
    changes: [
      {
        file: 'src/jobs/step-outcomes.ts',
        before: "outcomes.set(step, { kind: 'retry', code: result.failure.code });",
        after: 'outcomes.set(step, settled);',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'a retry keeps its id, and newer figures get another',
  },
  {
    id: 'maybe-done-and-throttled',
    promise: 'A call that may have been done keeps its key while the channel only says: not now.',
    changes: [
      {
        file: 'src/jobs/judge.ts',
        before: '  return !isRepeated || (',
        after: '  return true || (',
      },
    ],
    test: 'test/jobs/stored-calls.test.ts',
    name: 'a call that may be done keeps its key while the channel only says: not now',
  },
  {
    id: 'echo-that-differs',
    promise: 'A channel is told of its own change when its figure would differ otherwise.',
    changes: [
      {
        file: 'src/channels/plan-call.ts',
        before: 'publishedQuantity !== null && publishedQuantity + own.effect === shown;',
        after: 'publishedQuantity !== null;',
      },
    ],
    test: 'test/jobs/echo.test.ts',
    name: 'a channel is told what it did itself when its figure would differ',
  },
  {
    id: 'echo-without-effect',
    promise:
      'A change of its own that leaves available as it was is no proof of what a channel shows.',
    changes: [{ file: 'src/channels/plan-call.ts', before: ' || own.hasNoEffect', after: '' }],
    test: 'test/jobs/echo.test.ts',
    name: 'the sale of what was reserved is told to the channel that sold it',
  },
  {
    id: 'echo',
    promise: 'A channel is not told of what it knows by itself.',
    changes: [
      {
        file: 'src/channels/plan-call.ts',
        before: 'if (nonce === null && isEcho(due, shown))',
        after: 'if (nonce !== null && isEcho(due, shown))',
      },
    ],
    test: 'test/jobs/echo.test.ts',
    name: "a channel's own sale is told to the others and not to itself",
  },
  {
    id: 'oversold-as-0',
    promise: 'A channel is never told less than 0.',
    changes: [
      {
        file: 'src/channels/shown-quantity.ts',
        before: 'Math.max(available, 0)',
        after: 'available',
      },
      {
        file: 'src/channels/shown-quantity.ts',
        before: 'Math.max(part - kept, 0)',
        after: 'part - kept',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'an oversold level is told as 0',
  },
  {
    id: 'published-version',
    promise: 'What was told to a channel never goes back to an older version.',
    changes: [
      {
        file: 'sql/functions/listing_record.sql',
        before: 'then greatest(l.published_version, i.version) else',
        after: 'then i.version else',
      },
    ],
    test: 'test/channels/listing-record.test.ts',
    name: 'never lowers the version that a channel was told',
  },
  {
    id: 'foreign-job',
    promise: 'A process whose job was taken over records nothing any more.',
    changes: [
      {
        file: 'sql/functions/listing_record.sql',
        before: 'where l.ctid = u.row_id and l.job_id = u.job_id offset 0) l',
        after: 'where l.ctid = u.row_id offset 0) l',
      },
    ],
    test: 'test/channels/listing-record.test.ts',
    name: 'is not taken from a job that does not have the listing any more',
  },
  {
    id: 'due-again',
    promise: 'A change that comes while a call is under way is not dropped.',
    changes: [
      {
        file: 'sql/functions/listing_record.sql',
        before: '(l.wanted_version > u.version or u.more',
        after: '(u.more',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'a change that comes while a call is under way follows it',
  },
  {
    id: 'one-job-a-listing',
    promise: 'A listing belongs to one job at a time.',
    changes: [
      {
        file: 'sql/functions/listing_mark.sql',
        before:
          "job_id = case when l.state in ('queued', 'held') then l.job_id\n" +
          '            else excluded.job_id end,',
        after: 'job_id = excluded.job_id,',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'a change that comes while a call is under way follows it',
  },
  {
    id: 'one-leader',
    promise: 'One process works a channel at a time.',
    changes: [
      {
        file: 'src/channels/lead-channels.ts',
        before:
          '\n' +
          '        and (leader is null or leader = ${leader} or leader_until < ' +
          'clock_timestamp())',
        after: '',
      },
    ],
    test: 'test/jobs/recovery.test.ts',
    name: 'with two processes one works a channel, and no figure goes back',
  },
  {
    id: 'paused-channel',
    promise: 'A paused channel gets nothing.',
    changes: [
      {
        file: 'src/channels/lead-channels.ts',
        before: '      where enabled and paused_at is null\n        and (',
        after: '      where enabled\n        and (',
      },
    ],
    test: 'test/jobs/delivery.test.ts',
    name: 'a paused channel gets nothing until it is resumed, then only the newest',
  },
  {
    id: 'take-over',
    promise: 'What a killed process had claimed is taken up by the next.',
    changes: [
      {
        file: 'src/jobs/channel-upkeep.ts',
        before: 'jobs += await this.#takeOver(channel, working, 0);',
        after: 'jobs += await this.#takeOver(channel, working, orphanAgeMs);',
      },
    ],
    test: 'test/jobs/recovery.test.ts',
    name: 'when the leader is killed another goes on with what it left',
  },
  {
    id: 'swept-lag',
    promise: 'A listing that lags is found, though nobody was told of the change.',
    changes: [
      {
        file: 'sql/functions/listing_sweep.sql',
        before: '        else greatest(k.version, k.wanted_version) > k.published_version\n',
        after: '        else false\n',
      },
    ],
    test: 'test/jobs/recovery.test.ts',
    name: 'listings that lag although nobody was told of it are found',
  },
  {
    id: 'swept-jobs',
    promise: 'A listing whose job is gone is found.',
    changes: [
      {
        file: 'sql/functions/listing_sweep.sql',
        before: "when k.state = 'queued' then k.job_id not in (select w.job_id from working w)\n",
        after: "when k.state = 'queued' then false\n",
      },
    ],
    test: 'test/jobs/recovery.test.ts',
    name: 'a job table emptied by hand loses nothing',
  },
  {
    id: 'rate-limit-of-a-channel',
    promise: 'No more calls are made than a channel allows.',
    changes: [
      {
        file: 'src/jobs/token-bucket.ts',
        before: 'return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;',
        after: 'return 0;',
      },
    ],
    test: 'test/jobs/call-gate.test.ts',
    name: 'tokens come back at their rate, and never more than a tenth of a second holds',
  },
  {
    id: 'retry-after',
    promise: 'A channel is left alone as long as it asks.',
    changes: [
      {
        file: 'src/jobs/call-gate.ts',
        before: '    this.#blockedUntil = Math.max(this.#blockedUntil, performance.now() + ms);\n',
        after: '',
      },
    ],
    test: 'test/jobs/failures.test.ts',
    name: 'the channel is left alone as long as it asks: %s',
  },
  {
    id: 'gone-channel',
    promise: 'A channel that says 410 is paused.',
    changes: [
      {
        file: 'src/jobs/make-call.ts',
        before: '  if (failure.pause !== undefined) {',
        after: "  if (failure.pause === '') {",
      },
    ],
    test: 'test/jobs/failures.test.ts',
    name: '410 pauses the channel, and resuming it sends what is due',
  },
];
