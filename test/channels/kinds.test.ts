import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { closeAdapters, createAdapters } from '../../src/channels/index.ts';
import { codeIn, readFiles } from '../support/tidy/source-tree.ts';

const adapters = createAdapters({ allowPrivateAddresses: false });
afterAll(() => closeAdapters(adapters));

/** Our own messages are no vendor's: other parts of the program send and receive them too. */
const vendors = [...adapters.keys()].filter((kind) => kind !== 'webhook');

const list = 'src/channels/adapters.ts';
const root = join(import.meta.dirname, '../..');
const files = readFiles(root);

/** Sources have kinds and a list of their own, and settings give limits for channels by name. */
const elsewhere = /^src\/(sources\/|settings\.ts$)/;
const source = codeIn(files, 'src').filter((path) => !elsewhere.test(path));

test.each(vendors)('an adapter such as %s is one folder and one line of the list', (kind) => {
  const folder = `src/channels/${kind}/`;
  // As a text, in a path, or in the name of what makes it; comments may speak of anybody.
  const name = new RegExp(`['"\`/]${kind}['"\`/]|create${kind}`, 'i');
  const outside = source.filter((path) => {
    return !path.startsWith(folder) && path !== list && name.test(files.get(path) ?? '');
  });
  expect(outside, `only ${folder} and ${list} know that there is a ${kind}`).toEqual([]);
  const lines = (files.get(list) ?? '').split('\n').filter((line) => name.test(line));
  // The import, and the line that makes it.
  expect(lines.map((line) => line.trim())).toEqual([
    expect.stringContaining(`'./${kind}/adapter.ts'`),
    expect.stringMatching(new RegExp(`create${kind}Adapter\\(`, 'i')),
  ]);
  expect(source.some((path) => path.startsWith(folder))).toBe(true);
});
