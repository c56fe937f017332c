import { processIo } from '../src/cli/index.ts';
import { UsageError } from '../src/errors.ts';
import { createDemoCommand } from './options.ts';
import { runDemo } from './run-demo.ts';
import { openScreen } from './screen.ts';

// `npm run demo`: the service, vendors that run on this machine, and a stream of orders.

const stopped = processIo().stopSignal();
const screen = openScreen(process.stdout);

const command = createDemoCommand(async (options) => {
  process.exitCode = await runDemo(options, screen, stopped);
});

try {
  await command.parseAsync();
} catch (error) {
  if (error instanceof UsageError) process.stderr.write(`demo: ${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
