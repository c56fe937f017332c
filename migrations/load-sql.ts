import { readFile } from 'node:fs/promises';
import { sql, type Kysely } from 'kysely';

/**
 * Runs files of the `sql` folder, in the order given. A file holds the newest form of a function: a
 * migration that loads it first may not have the columns yet that it names, so bodies are looked at
 * when they run.
 */
export async function loadSql(db: Kysely<unknown>, files: readonly string[]): Promise<void> {
  await sql`set local check_function_bodies = off`.execute(db);
  for (const file of files) {
    const text = await readFile(new URL(`../sql/${file}`, import.meta.url), 'utf8');
    await sql.raw(text).execute(db);
  }
}
