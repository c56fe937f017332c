import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '../support/server.ts';
import { describeMachine } from './machine.ts';
import { parseProofOptions, partNames, usage, type ProofOptions } from './options.ts';
import { updatePage } from './page.ts';
import { isProven, totalsOf, type PartResult, type Proof } from './proof.ts';
import { runPart } from './run-part.ts';

// `npm run proof`: runs the suites that show the guarantees at full size and writes down what they
// found. The exit code is 0 when everything passed and nothing was found.

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

async function main(): Promise<number> {
  const options = parseProofOptions(process.argv.slice(2));
  if (options.help) return say(usage);
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => abort.abort());
  const startedAt = new Date();
  const folder = await mkdtemp(join(tmpdir(), 'onhand-proof-'));
  const server = await startTestServer();
  try {
    const { signal } = abort;
    const databaseUrl = server.adminUrl;
    const parts: PartResult[] = [];
    for (const part of options.parts) {
      if (signal.aborted) return 1;
      say(`\n${part}, seed ${options.seed}\n`);
      parts.push(await runPart(part, { ...options, databaseUrl, folder, signal }));
    }
    if (signal.aborted) return 1;
    const totals = totalsOf(parts);
    const proof: Proof = {
      startedAt: startedAt.toISOString(),
      minutes: Math.round((Date.now() - startedAt.getTime()) / 6_000) / 10,
      seed: options.seed,
      scale: options.scale.name,
      machine: await describeMachine(databaseUrl),
      passed: isProven(parts, totals),
      totals,
      parts,
    };
    await write(proof, options);
    return proof.passed ? 0 : 1;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(proof: Proof, { folder, scale, parts }: ProofOptions): Promise<void> {
  const isWhole = scale.name === 'full' && parts.length === partNames.length;
  for (const { part, passed, seconds } of proof.parts) {
    say(`${part}: ${passed ? 'passed' : 'FAILED'} in ${seconds} s\n`);
  }
  say(`${JSON.stringify(proof.totals, null, 2)}\n`);
  // Figures of some parts only would stand for a proof that was not made.
  const target = folder ?? (isWhole ? docs : undefined);
  if (target === undefined) return;
  await mkdir(target, { recursive: true });
  const page = await readFile(join(docs, 'proof.md'), 'utf8');
  await writeFile(join(target, 'proof.md'), updatePage(page, proof));
  await writeFile(join(target, 'proof.json'), `${JSON.stringify(proof, null, 2)}\n`);
  say(`written: ${join(target, 'proof.md')} and proof.json\n`);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`);
  return 1;
});
