import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

// A migration is applied once: a file that changes afterwards reaches new databases and not those
// that are there. So each file is written down in migrations/loaded-sql.json with the newest
// migration that loads it, and with what it was then. When this test says that a file differs: let
// a new migration load it (or the newest, while nobody has applied that), and write down there
// what the test found.

const root = new URL('../../', import.meta.url);

type Loaded = Readonly<Record<string, { readonly migration: string; readonly sha256: string }>>;

async function readSql(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of ['functions', 'types', 'views']) {
    for (const name of await readdir(new URL(`sql/${folder}/`, root))) {
      const file = `${folder}/${name}`;
      files.set(file, await readFile(new URL(`sql/${file}`, root), 'utf8'));
    }
  }
  return files;
}

async function findLoaders(): Promise<Map<string, string>> {
  const loaders = new Map<string, string>();
  const names = await readdir(new URL('migrations/', root));
  for (const name of names.filter((file) => /^\d{4}_/.test(file)).toSorted()) {
    const source = await readFile(new URL(`migrations/${name}`, root), 'utf8');
    const quoted = source.matchAll(/'((?:functions|types|views)\/\w+\.sql)'/g);
    for (const [, file = ''] of quoted) loaders.set(file, name.replace(/\.ts$/, ''));
  }
  return loaders;
}

test('the functions, types and views of existing databases are what the files say', async () => {
  const written = JSON.parse(
    await readFile(new URL('migrations/loaded-sql.json', root), 'utf8'),
  ) as Loaded;
  const loaders = await findLoaders();
  const found: Record<string, { migration: string | undefined; sha256: string }> = {};
  for (const [file, text] of await readSql()) {
    const sha256 = createHash('sha256').update(text).digest('hex');
    found[file] = { migration: loaders.get(file), sha256 };
  }
  expect(found).toEqual(written);
});
