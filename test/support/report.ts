import { appendFile } from 'node:fs/promises';

/** A part of the proof. */
export type ProofPart = 'model' | 'history' | 'delivery' | 'faults';

export type Figures = Readonly<Record<string, number | string | null>>;

/** One line of the file that PROOF_FILE names. */
export type ReportLine = {
  readonly part: ProofPart;
  readonly name: string;
  readonly figures: Figures;
};

/**
 * Hands the figures of a test over: one printed line always, and one line of JSON in the file that
 * PROOF_FILE names, which `npm run proof` reads. `name` says what was done, as `SIGKILL before the
 * commit`; `part` is the proof's part it belongs to.
 */
export async function report(part: ProofPart, name: string, figures: Figures): Promise<void> {
  const shown = Object.entries(figures).map(([figure, value]) => `${figure} ${value}`);
  process.stdout.write(`${part}: ${name}: ${shown.join(', ')}\n`);
  const file = process.env['PROOF_FILE'];
  if (file === undefined) return;
  const line: ReportLine = { part, name, figures };
  await appendFile(file, `${JSON.stringify(line)}\n`);
}
