import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReportLine } from '../support/report.ts';
import type { PartName, ProofOptions } from './options.ts';
import { commandOf } from './parts.ts';
import type { PartResult } from './proof.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export type PartRun = Pick<ProofOptions, 'scale' | 'seed'> & {
  /** The Postgres that all parts work on. */
  readonly databaseUrl: string;
  /** For files of the run; removed at its end by the caller. */
  readonly folder: string;
  /** Ends the part, and all that it started. */
  readonly signal: AbortSignal;
};

/** Runs one part, with its output before the eyes of whoever waits, and gathers its figures. */
export async function runPart(part: PartName, run: PartRun): Promise<PartResult> {
  const reports = join(run.folder, `${part}.jsonl`);
  const results = join(run.folder, `${part}.json`);
  const { args, env } = commandOf(part, run, results);
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env, PROOF_FILE: reports, TEST_DATABASE_URL: run.databaseUrl },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = (): void => void child.kill('SIGTERM');
  run.signal.addEventListener('abort', end, { once: true });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const found = part === 'controls' ? await readControls(results) : await readReports(reports);
    // A part that reports nothing has shown nothing, whatever its exit code.
    return { part, passed: code === 0 && found.length > 0, seconds, reports: found };
  } finally {
    run.signal.removeEventListener('abort', end);
  }
}

async function readReports(file: string): Promise<PartResult['reports']> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { name, figures } = JSON.parse(line) as ReportLine;
      return { name, figures };
    });
}

type ControlsFile = {
  readonly controls: number;
  readonly red: number;
  readonly green: number;
  readonly broken: number;
};

async function readControls(file: string): Promise<PartResult['reports']> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { controls, red, green, broken } = JSON.parse(text) as ControlsFile;
  return [{ name: 'negative controls', figures: { controls, red, green, broken } }];
}
