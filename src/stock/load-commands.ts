import type { Pool, PoolClient } from 'pg';
import type { Command, Loader } from './command.ts';

/** Lets each loader read what its commands need, once for all of them. */
export async function loadCommands(
  client: Pool | PoolClient,
  commands: readonly Command[],
): Promise<void> {
  const byLoader = new Map<Loader, Command[]>();
  for (const command of commands) {
    if (command.loader === undefined) continue;
    const group = byLoader.get(command.loader);
    if (group === undefined) byLoader.set(command.loader, [command]);
    else group.push(command);
  }
  for (const [loader, group] of byLoader) await loader.load(client, group);
}
