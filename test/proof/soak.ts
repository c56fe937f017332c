import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startTestServer } from '../support/server.ts';

// `npm run soak`: the model suite with one seed after the other, until a time is over or a case
// fails. The suite prints the one command that replays a failing case.

const usage = `npm run soak [-- options]

  --hours N    how long, 1 by default; fractions are welcome
  --runs N     random sequences for each seed, 300 by default
  --seed N     the first seed; by default the clock's. The next ones count on from it
`;

const root = fileURLToPath(new URL('../../', import.meta.url));

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      hours: { type: 'string', default: '1' },
      runs: { type: 'string', default: '300' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const [hours, runs] = [Number(values.hours), Number(values.runs)];
  if (!(hours > 0) || !(runs >= 1)) throw new Error(usage);
  const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  const deadline = performance.now() + hours * 3_600_000;
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => abort.abort());
  const server = await startTestServer();
  try {
    let seeds = 0;
    for (; performance.now() < deadline && !abort.signal.aborted; seeds += 1) {
      const code = await runModel(first + seeds, runs, server.adminUrl, abort.signal);
      if (abort.signal.aborted) return 1;
      if (code !== 0) return say(`seed ${first + seeds} failed after ${seeds} that passed\n`) + 1;
    }
    return say(`${seeds} seeds of ${runs} runs each passed, from seed ${first} on\n`);
  } finally {
    await server.stop();
  }
}

/** Runs the suite once. @returns its exit code, null when it was ended */
async function runModel(
  seed: number,
  runs: number,
  databaseUrl: string,
  signal: AbortSignal,
): Promise<number | null> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', 'test/invariants/model.test.ts'];
  const env = { MODEL_SEED: `${seed}`, MODEL_RUNS: `${runs}`, TEST_DATABASE_URL: databaseUrl };
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'failed'}\n`);
  return 1;
});
