import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namePattern } from './control.ts';

/** A run of some tests in a copy of the project. */
export type TestRun = {
  readonly project: string;
  readonly files: readonly string[];
  readonly names: readonly string[];
  /** The Postgres to work on. */
  readonly databaseUrl: string;
  readonly timeoutMs: number;
};

/** Runs tests and gives Vitest's JSON report; undefined when the run came to none in its time. */
export async function runTests(run: TestRun, signal: AbortSignal): Promise<unknown> {
  const { project, files, names, databaseUrl, timeoutMs } = run;
  const output = join(project, 'control-report.json');
  const child = spawn(
    process.execPath,
    [
      join(project, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...files,
      `--testNamePattern=${names.map((name) => namePattern(name).source).join('|')}`,
      '--reporter=json',
      `--outputFile=${output}`,
      '--cache=false',
    ],
    {
      cwd: project,
      env: { ...process.env, TEST_DATABASE_URL: databaseUrl, NO_COLOR: '1' },
      stdio: 'ignore',
      // A group of its own: what hangs is ended together with all that it started.
      detached: true,
    },
  );
  const kill = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(kill, timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    await once(child, 'exit');
    return JSON.parse(await readFile(output, 'utf8')) as unknown;
  } catch {
    // No report, or half of one: the caller says what that means.
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}
