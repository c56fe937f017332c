import { readFile } from 'node:fs/promises';
import { sql, type Kysely } from 'kysely';

/** Runs files of the `sql` folder, in the order given. */
export async function loadSql(db: Kysely<unknown>, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const text = await readFile(new URL(`../sql/${file}`, import.meta.url), 'utf8');
    await sql.raw(text).execute(db);
  }
}
