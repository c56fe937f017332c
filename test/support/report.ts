import { appendFile } from 'node:fs/promises';

/**
 * Hands the figures of a test over: one printed line always, and one line of JSON in the file that
 * PROOF_FILE names, which `npm run proof` reads. `name` says what was done, as `SIGKILL before the
 * commit`; `part` is the proof's part it belongs to.
 */
export async function report(
  part: 'model' | 'history' | 'delivery' | 'faults',
  name: string,
  figures: Readonly<Record<string, number | string | null>>,
): Promise<void> {
  const shown = Object.entries(figures).map(([figure, value]) => `${figure} ${value}`);
  process.stdout.write(`${part}: ${name}: ${shown.join(', ')}\n`);
  const file = process.env['PROOF_FILE'];
  if (file === undefined) return;
  await appendFile(file, `${JSON.stringify({ part, name, figures })}\n`);
}
