import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import { examples, type Finish, jsonOption, wholeNumber } from './option-values.ts';

type ServeFlags = { workers: boolean; port?: number; host?: string };

/** `serve`, `work`, `migrate`, `listen`. */
export function addServiceCommands(program: Command, io: CommandIo, finish: Finish): void {
  program
    .command('serve')
    .description('answer requests and deliver changes, until SIGTERM or Ctrl-C')
    .option('--no-workers', 'answer requests only; deliveries are left to `onhand work`')
    .option('--port <port>', 'port to listen on, 0: any (server.port)', wholeNumber(0, 65_535))
    .option('--host <host>', 'address to listen on (server.host)')
    .addHelpText(
      'after',
      examples(
        '$ onhand serve',
        '$ PORT=8080 DATABASE_URL=postgres://stock@db/onhand onhand serve --host 0.0.0.0',
        '$ onhand serve --no-workers          one of several that share a database',
      ),
    )
    .action(async ({ workers, port, host }: ServeFlags) => {
      const { serve } = await import('./serve.ts');
      finish(await serve({ http: true, workers, port, host }));
    });

  program
    .command('work')
    .description('deliver changes, sweep and keep house, without answering requests')
    .addHelpText('after', examples('$ onhand work', '$ onhand serve --no-workers & onhand work'))
    .action(async () => {
      const { serve } = await import('./serve.ts');
      finish(await serve({ http: false, workers: true }));
    });

  program
    .command('migrate')
    .description('bring the schema to the newest version and say what that took')
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand migrate', '$ onhand migrate --json'))
    .action(async (options: { json: boolean }) => {
      const { migrate } = await import('./migrate.ts');
      finish(await migrate(io, options));
    });

  program
    .command('listen')
    .description('receive webhooks: check signatures and print each change, until Ctrl-C')
    .option('--port <port>', 'port to listen on, 0: any', wholeNumber(0, 65_535), 4000)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--secret <secret>', 'whsec_… of the channel; made when absent, and shown')
    .option('--fail-every <n>', 'answer 500 to every n-th message', wholeNumber(1, 1_000_000))
    .option('--json', 'one line of JSON for each change', false)
    .addHelpText(
      'after',
      examples(
        '$ onhand listen                      shows the request that makes it a channel',
        '$ onhand listen --fail-every 3       to see deliveries being tried again',
      ),
    )
    .action(async (options: ListenFlags) => {
      const { listen } = await import('./listen.ts');
      finish(await listen(io, options));
    });
}

type ListenFlags = {
  port: number;
  host: string;
  secret?: string;
  failEvery?: number;
  json: boolean;
};
