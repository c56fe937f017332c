import type { Control } from '../control.ts';

/** Promises of sources: each item once, the newest wins, and nothing of ours is wiped out. */
export const sourceControls: readonly Control[] = [
  {
    id: 'watermark-before-commit',
    promise: 'The watermark of a source moves with the changes of its page, and not before them.',
    changes: [
      {
        file: 'src/sources/run-source.ts',
        before: '    const result = await applyPage(together, {\n',
        after:
          '    await db\n' +
          "      .updateTable('source')\n" +
          '      .set({ watermark: page.nextWatermark })\n' +
          "      .where('merchant_id', '=', merchantId)\n" +
          "      .where('source_id', '=', sourceId)\n" +
          '      .execute();\n' +
          '    const result = await applyPage(together, {\n',
      },
    ],
    test: 'test/sources/feed.test.ts',
    name: 'the watermark is never ahead of its page: nobody sees it before the changes',
  },
  {
    id: 'source-older',
    promise: 'What a source said before something newer is not taken.',
    changes: [
      {
        file: 'src/sources/judge-items.ts',
        before: "    else if (order === 'older' || (",
        after: '    else if (false || (',
      },
    ],
    test: 'test/sources/figures.test.ts',
    name: 'the newest version wins whatever the order; older ones are ignored and counted',
  },
  {
    id: 'movement-once',
    promise: 'A movement that a source tells of twice counts once.',
    changes: [
      {
        file: 'src/sources/judge-items.ts',
        before: '      if (movements.has(item.id)) ',
        after: '      if (false) ',
      },
      {
        file: 'src/sources/write-page.ts',
        before: '       $8::text[], $9::timestamptz[]) as u`,',
        after: '       $8::text[], $9::timestamptz[]) as u on conflict do nothing`,',
      },
    ],
    test: 'test/sources/figures.test.ts',
    name: 'the same items again change nothing, in the same page or in another',
  },
  {
    id: 'orders-since',
    promise: 'A figure taken at a time does not wipe out what was sold since.',
    changes: [
      {
        file: 'src/sources/decide-items.ts',
        before: '    const units = laterOf.get(item);\n',
        after: '    const units = laterOf.has(item) ? { counted: null, units: 0 } : undefined;\n',
      },
    ],
    test: 'test/sources/flash-sale.test.ts',
    name: 'a snapshot of T loaded at T + 10 min during a flash sale loses no order',
  },
  {
    id: 'ownership',
    promise: 'Nobody reports a quantity that somebody else owns.',
    changes: [
      {
        file: 'src/sources/judge-items.ts',
        before: '    if (owner === options.sourceId) return true;',
        after: '    if (owner !== null) return true;',
      },
    ],
    test: 'test/sources/figures.test.ts',
    name: 'a quantity that somebody else owns, or nobody declared, is refused and counted',
  },
  {
    id: 'mass-zero',
    promise: 'A source that says zero for everything changes nothing.',
    changes: [
      {
        file: 'src/sources/settle-zeros.ts',
        before: '  return falling * 100 > massZeroPercent * all;',
        after: '  return falling < 0;',
      },
    ],
    test: 'test/sources/guards.test.ts',
    name: 'a feed that says zero for everything changes nothing and raises one alert',
  },
  {
    id: 'broken-full-read',
    promise: 'What a full read did not show is gone only when the read has ended.',
    changes: [
      {
        file: 'src/sources/apply-page.ts',
        before:
          '    if (advance?.completes !== undefined) {\n' +
          '      await parkMissing(client, input, advance.completes, input.runId);',
        after:
          '    const ends = advance?.completes ?? advance?.snapshot ?? undefined;\n' +
          '    if (ends !== undefined) {\n' +
          '      await parkMissing(client, input, ends, input.runId);',
      },
      {
        file: 'src/sources/run-source.ts',
        before: "      if (end.status === 'succeeded') {\n",
        after: "      if (end.status !== 'interrupted') {\n",
      },
    ],
    test: 'test/sources/feed.test.ts',
    name: 'a full read that does not come to its end zeroes nothing and goes on',
  },
  {
    id: 'forged-order',
    promise: 'A webhook that the vendor did not sign is not taken.',
    changes: [
      {
        file: 'src/channels/shopify/authenticate.ts',
        before: '  if (!isSigned || !isOurs || ',
        after: '  if (!isOurs || ',
      },
    ],
    test: 'test/channels/shopify/webhooks.test.ts',
    name: 'a forged, changed, foreign or incomplete webhook is not taken',
  },
  {
    id: 'csv-in-one-turn',
    promise: 'While a large file is parsed, other work goes on.',
    changes: [
      {
        file: 'src/sources/csv/parse-in-turns.ts',
        before: '    await nextTurn();\n',
        after: '',
      },
    ],
    test: 'test/sources/csv-files.test.ts',
    name: 'while a large file is parsed, other work goes on',
  },
  {
    id: 'short-pages-of-a-file',
    promise: 'A file is applied in short pages, unless its source wants longer ones.',
    changes: [{ file: 'src/sources/csv/kind.ts', before: '    batchSize: 50,\n', after: '' }],
    test: 'test/sources/csv-files.test.ts',
    name: 'pages are short ($batchSize: $pages)',
  },
  {
    id: 'levels-changed-since',
    promise: 'What was recorded after a figure was true comes on top of it.',
    changes: [
      {
        file: 'src/stock/later-units.ts',
        before: 'updatedAtMs > since.getTime()',
        after: 'updatedAtMs > since.getTime() + 86_400_000',
      },
    ],
    test: 'test/sources/figures.test.ts',
    name: 'orders recorded after a figure was true are taken off it again',
  },
  {
    id: 'kept-is-shown',
    promise: 'A full read that kept a figure has shown it: at its end the place is not missing.',
    changes: [
      {
        file: 'src/sources/write-page.ts',
        before: 'generation = greatest(source_figure.generation, excluded.generation)`,',
        after: 'generation = source_figure.generation`,',
      },
    ],
    test: 'test/sources/feed.test.ts',
    name: 'a full read that does not come to its end zeroes nothing and goes on',
  },
];
