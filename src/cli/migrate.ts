import { exitCode } from './exit-code.ts';
import { print, printJson, type CommandIo } from './io.ts';
import { withCore } from './with-core.ts';

/** `onhand migrate`: brings the schema to the newest version; says what that took. */
export async function migrate(io: CommandIo, options: { json: boolean }): Promise<number> {
  return await withCore(io, ({ migrationsApplied }) => {
    if (options.json) printJson(io, { applied: migrationsApplied });
    else if (migrationsApplied.length === 0)
      print(io, 'nothing to apply: the schema is up to date');
    for (const name of options.json ? [] : migrationsApplied) print(io, `applied ${name}`);
    return Promise.resolve(exitCode.ok);
  });
}
