import { parseArgs } from 'node:util';
import type { ProofPart } from '../support/report.ts';

export type PartName = ProofPart | 'controls';

export const partNames = ['model', 'history', 'delivery', 'faults', 'controls'] as const;

/** How much of each part is run. */
export type Scale = {
  readonly name: 'full' | 'small';
  readonly modelRuns: number;
  readonly historyRequests: number;
  readonly deliveryRequests: number;
  /** Of the load of each fault. */
  readonly faultRequests: number;
};

export type ProofOptions = {
  readonly scale: Scale;
  /** Parts to run; all when none is named. */
  readonly parts: readonly PartName[];
  readonly seed: number;
  /** Where the results go; undefined: into docs (a full run of all parts) or nowhere. */
  readonly folder: string | undefined;
  readonly help: boolean;
};

const full: Scale = {
  name: 'full',
  modelRuns: 2_500,
  historyRequests: 120_000,
  deliveryRequests: 40_000,
  faultRequests: 6_000,
};

const small: Scale = {
  name: 'small',
  modelRuns: 30,
  historyRequests: 2_000,
  deliveryRequests: 800,
  faultRequests: 600,
};

export const usage = `npm run proof [-- options]

  --scale full|small   full: about 30 minutes on 2 cores (the default); small: a try
  --only PART          one of ${partNames.join(', ')}; may be repeated
  --seed N             the seed of all parts; by default the clock's
  --out FOLDER         where proof.md and proof.json go; by default docs, when all parts ran in full
`;

/** Reads the command line. Throws on what it does not know. */
export function parseProofOptions(args: readonly string[]): ProofOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scale: { type: 'string', default: 'full' },
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const scale = [full, small].find(({ name }) => name === values.scale);
  if (scale === undefined) throw new Error(`there is no scale ${values.scale}`);
  const unknown = values.only.find((name) => !partNames.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}`);
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0) throw new Error('a seed is a whole number');
  const chosen = partNames.filter((name) => values.only.includes(name));
  const parts = chosen.length > 0 ? chosen : partNames;
  return { scale, parts, seed, folder: values.out, help: values.help };
}
