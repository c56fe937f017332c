import type { Control } from '../control.ts';

/** What is kept back follows its rules, and costs nothing where there are none. */
export const safetyStockControls: readonly Control[] = [
  {
    id: 'buffer-run-twice',
    promise: 'A run through the levels that takes long is not done a second time.',
    changes: [
      {
        file: 'src/jobs/buffer-runs.ts',
        before: '{ signal, onlyIfDue: true }',
        after: '{ signal }',
      },
    ],
    test: 'test/jobs/buffer-runs.test.ts',
    name: 'a run that takes long is not done a second time',
  },
  {
    id: 'buffer-run-over-all',
    promise: 'Where nothing is to be kept back, only levels that keep something are looked at.',
    changes: [
      {
        file: 'src/safety-stock/recompute.ts',
        before: '(await wantsNothing(context, merchantId)) || undefined',
        after: 'undefined',
      },
    ],
    test: 'test/safety-stock/recompute.test.ts',
    name: 'looks at nothing that keeps nothing where nothing is to be kept',
  },
  {
    id: 'rule-gone-without-its-run',
    promise: 'A rule is taken away together with the request for the run that follows it.',
    changes: [
      {
        file: 'src/safety-stock/manage-buffers.ts',
        before: 'const isDeleted = await db.transaction().execute(async (tx) => {',
        after: 'const isDeleted = await Promise.resolve(db).then(async (tx) => {',
      },
    ],
    test: 'test/safety-stock/recompute.test.ts',
    name: 'a rule goes with its run or not at all',
  },
];
