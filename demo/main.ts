import { CommanderError } from 'commander';
import { UsageError } from '../src/errors.ts';
import { createDemoCommand } from './options.ts';
import { runDemo } from './run-demo.ts';
import { openScreen } from './screen.ts';
import { stopSignal } from './stop-signal.ts';

// `npm run demo`: the service, vendors that run on this machine, and a stream of orders.

const command = createDemoCommand(async (options) => {
  process.exitCode = await runDemo(options, openScreen(process.stdout), stopSignal());
});

try {
  await command.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Says what went wrong, and with which code the process ends. */
function explain(error: unknown): number {
  // It has said so itself, or was asked for help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const isUsage = error instanceof UsageError;
  const text = error instanceof Error && !isUsage ? error.stack : String(error);
  process.stderr.write(`${isUsage ? `demo: ${error.message}` : text}\n`);
  return isUsage ? 2 : 1;
}
