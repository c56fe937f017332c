import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { vendorEntries } from '../../demo/vendors/index.ts';
import { openEmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { identifyProcess } from '../../src/db/embedded/process-identity.ts';
import { createLogger } from '../../src/logger.ts';
import { expectCleanAudit } from '../support/audit.ts';
import { createDataDir } from '../support/data-dir.ts';
import { createPool } from '../support/patient-pool.ts';
import { waitFor } from '../support/wait-for.ts';

const main = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
const page = readFileSync(new URL('../../docs/demo.md', import.meta.url), 'utf8');

type Demo = {
  readonly folder: string;
  readonly child: ChildProcess;
  output(): string;
  /** Resolves with the exit code. */
  ended(): Promise<number | null>;
};

/** Starts the demonstration in a folder of its own. */
async function startDemo(...args: readonly string[]): Promise<Demo> {
  const dataDir = await createDataDir();
  const folder = dataDir.path;
  const child = spawn(process.execPath, [main, '--port', '0', '--folder', folder, ...args], {
    // As in a checkout; what a test run has set is none of its business.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: 'postgres://no' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exit;
    await dataDir.remove();
  });
  return {
    folder,
    child,
    output: () => output,
    async ended() {
      await exit;
      return child.exitCode;
    },
  };
}

/** The first process of the demonstration's Postgres, while it runs. */
function postmasterOf({ folder }: Demo): number {
  return Number.parseInt(readFileSync(join(folder, 'postgres/postmaster.pid'), 'utf8'), 10);
}

/** The exit code, beside what was written: a failure shows both. */
async function endOf(demo: Demo): Promise<{ code: number | null; output: string }> {
  return { code: await demo.ended(), output: demo.output() };
}

/** It may take a minute until all is shown, on a machine that is busy. */
const timeout = 150_000;

/**
 * At Amazon nobody orders. Whether an unkind vendor shows anything that can be ordered before four
 * seconds are over is chance.
 */
const unkind = ['amazon', 'ebay'];

const orderLines = /^\d+ s: \d+ orders \(/m;

function expectNothingLeft(demo: Demo, postmaster: number): void {
  expect(existsSync(join(demo.folder, 'postgres/postmaster.pid'))).toBe(false);
  // Undefined also where its parent has not taken notice yet.
  expect(identifyProcess(postmaster)).toBeUndefined();
}

test(
  'in the end every vendor shows what is available, and nothing is left',
  { timeout },
  async () => {
    const options = ['--seconds', '4', '--orders-per-second', '10', '--faults', unkind.join(',')];
    const demo = await startDemo(...options);
    const postmaster = await waitFor(() => orderLines.test(demo.output()) && postmasterOf(demo), {
      what: 'the first orders',
    });
    expect(await endOf(demo)).toMatchObject({ code: 0 });
    for (const { kind } of vendorEntries) {
      expect(demo.output()).toContain(`${kind}: all 20 SKUs show what is available\n`);
    }
    expectNothingLeft(demo, postmaster);

    // The orders of every vendor that is well came in, and the books add up.
    const sellers = vendorEntries.map(({ kind }) => kind).filter((kind) => !unkind.includes(kind));
    const postgres = await openEmbeddedPostgres({
      dataDir: demo.folder,
      logger: createLogger('silent'),
    });
    const pool = createPool({ connectionString: postgres.connectionString });
    try {
      const { rows } = await pool.query<{ channel: string }>(
        'select distinct source_channel as channel from ledger_entry where delta < 0',
      );
      expect(rows.map(({ channel }) => channel)).toEqual(
        expect.arrayContaining(['till', ...sellers]),
      );
      await expectCleanAudit(pool);
    } finally {
      await pool.end();
      await postgres.close();
    }
  },
);

test('Ctrl-C ends everything, also a second run on the same folder', { timeout }, async () => {
  const demo = await startDemo('--vendors', 'shopify');
  const postmaster = await waitFor(() => orderLines.test(demo.output()) && postmasterOf(demo), {
    what: 'the first orders',
  });
  const url = /service +(http:\S+)/.exec(demo.output())?.[1];
  expect((await fetch(`${url}/api/docs`)).status).toBe(200);
  const second = spawnSync(process.execPath, [main, '--port', '0', '--folder', demo.folder]);
  expect(second.status).toBe(2);
  expect(second.stderr.toString()).toContain('another demonstration runs');
  demo.child.kill('SIGINT');
  expect(await endOf(demo)).toMatchObject({ code: 0 });
  expectNothingLeft(demo, postmaster);
});

test('the page has the help as it is, and what cannot be used is refused', () => {
  const help = spawnSync(process.execPath, [main, '--help'], { encoding: 'utf8' });
  expect(help.status).toBe(0);
  expect(page).toContain(help.stdout.trim());
  const refused = spawnSync(process.execPath, [main, '--vendors', 'nobody'], { encoding: 'utf8' });
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('nobody');
});
