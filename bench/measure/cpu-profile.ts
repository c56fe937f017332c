import { readFile } from 'node:fs/promises';

/** The parts of V8's .cpuprofile that self times need. */
type CpuProfile = {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  /** The node that ran at each sample, and how long after the one before it was taken, in µs. */
  samples: number[];
  timeDeltas: number[];
  /** Monotonic, in µs. */
  startTime: number;
};

/** A function, or a whole file or package, and the time that was spent in it itself. */
export type SelfTime = { readonly name: string; readonly ms: number; readonly share: number };

export type SelfTimes = {
  readonly busyMs: number;
  readonly idleMs: number;
  readonly functions: readonly SelfTime[];
  readonly places: readonly SelfTime[];
};

/** This machine's monotonic clock in µs, which V8 stamps samples with. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/**
 * Adds up who was on the processor in a part of a profile.
 * @param from µs by `monotonicMicroseconds`
 * @param until the same
 */
export async function readSelfTimes(path: string, from: number, until: number): Promise<SelfTimes> {
  const profile = JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  let [idle, busy, at] = [0, 0, profile.startTime];
  for (const [index, id] of profile.samples.entries()) {
    at += profile.timeDeltas[index] ?? 0;
    // A sample stands for the time until the next one.
    const took = profile.timeDeltas[index + 1] ?? 0;
    const frame = nodes.get(id);
    if (frame === undefined || at < from || at > until) continue;
    if (frame.functionName === '(idle)') {
      idle += took;
      continue;
    }
    busy += took;
    const place = placeOf(frame.url);
    const name = `${frame.functionName || '(anonymous)'}  ${place.file}:${frame.lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + took);
    const whole = frame.url === '' ? frame.functionName : place.group;
    places.set(whole, (places.get(whole) ?? 0) + took);
  }
  return {
    busyMs: busy / 1000,
    idleMs: idle / 1000,
    functions: sorted(functions, busy),
    places: sorted(places, busy),
  };
}

/** The file as a reader knows it, and the package or the file of ours that it belongs to. */
function placeOf(url: string): { file: string; group: string } {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url);
  if (inPackage !== null) {
    const [, name = '', rest = ''] = inPackage;
    return { file: `${name}/${rest}`, group: name };
  }
  const own = /\/((?:src|migrations)\/.*)$/.exec(url)?.[1];
  const file = own ?? (url === '' ? '(V8)' : url);
  return { file, group: file };
}

function sorted(times: ReadonlyMap<string, number>, busy: number): SelfTime[] {
  return [...times]
    .map(([name, us]) => ({ name, ms: us / 1000, share: us / busy }))
    .toSorted((a, b) => b.ms - a.ms);
}
