import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createDataDir } from './support/data-dir.ts';
import { waitFor } from './support/wait-for.ts';

const root = new URL('..', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

type Block = { readonly language: string; readonly text: string };

const blocks: Block[] = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map((match) => ({
  language: match[1] ?? '',
  text: match[2] ?? '',
}));

/** A recorded output as a pattern: what changes from run to run stands as an ellipsis. */
function patternOf(recorded: string): RegExp {
  const parts = recorded.trim().split('…');
  return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('[^"]*')}$`);
}

test('the commands of the README work, and print what it says', { timeout: 120_000 }, async () => {
  const dataDir = await createDataDir();
  const { ADMIN_API_KEY: _key, DATABASE_URL: _url, ...env } = process.env;
  const service = spawn('npm', ['start'], {
    cwd: root,
    env: { ...env, PORT: '0', DATA_DIR: dataDir.path, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
    // npm and what it starts end together.
    detached: true,
  });
  // npm may be gone before what it started: its output ends with the service.
  const ended = once(service, 'close');
  onTestFinished(async () => {
    if (service.pid !== undefined && service.exitCode === null)
      process.kill(-service.pid, 'SIGTERM');
    await ended;
    await dataDir.remove();
  });
  let output = '';
  service.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const said = (pattern: RegExp): Promise<string> =>
    waitFor(() => pattern.exec(output)?.[1], { what: String(pattern) });
  const ONHAND = await said(/listening +(http:\S+)/);
  const KEY = await said(/admin key +(\S+)/);
  expect(output).toMatch(/database +postgres/);

  const [, , setUp, first, firstSays, second, secondSays] = blocks;
  const run = async (block: Block | undefined): Promise<string> => {
    expect(block?.language).toBe('sh');
    const commands = (block?.text ?? '').replace(/^export .*\n/m, '');
    const shell = promisify(execFile);
    return (await shell('bash', ['-ec', commands], { env: { ...env, ONHAND, KEY } })).stdout;
  };
  await run(setUp);
  expect(await run(first)).toMatch(patternOf(firstSays?.text ?? ''));
  expect(await run(second)).toMatch(patternOf(secondSays?.text ?? ''));
});

test('the README begins with the two commands, and names only what is there', () => {
  expect(blocks.slice(0, 2).map(({ text }) => text.trim())).toEqual([
    'npm ci && npm start',
    'npm ci && npm test',
  ]);
  const named = [...readme.matchAll(/(?:`|\()((?:src|test|docs|sql|migrations)\/[\w./-]*)[`)]/g)];
  const missing = named
    .map((match) => match[1] ?? '')
    .filter((path) => !existsSync(new URL(path, root)));
  expect(named.length).toBeGreaterThan(20);
  expect(missing).toEqual([]);
});
