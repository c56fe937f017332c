import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { manySkus, oneSku } from './equipment.ts';
import { openLab, type Lab } from './lab.ts';
import { runHttpLoad, type HttpLoad } from './load/http-load.ts';
import { monotonicMicroseconds, readSelfTimes, type SelfTime } from './measure/cpu-profile.ts';
import { describeObservation, observe } from './measure/observe.ts';
import { formatNumber } from './measure/statistics.ts';
import { parseOptions } from './options.ts';
import { countLevels, openShop } from './shop.ts';

// `node bench/profile.ts`: runs the service with --cpu-prof under one load and prints which
// functions were on the processor. Start-up and warm-up are left out.

const usage = `node bench/profile.ts [options]

  --load NAME        adjust, adjust-one, reserve, mutations or get-level (adjust)
  --seconds N        how long (10)
  --connections N    how many (64)
  --top N            lines to print (25)
  --keep FILE        where the .cpuprofile goes, for Chrome's or VS Code's viewer
`;

const { values } = parseArgs({
  options: {
    load: { type: 'string', default: 'adjust' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '64' },
    top: { type: 'string', default: '25' },
    keep: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

type LoadKind = Pick<HttpLoad, 'request' | 'skus' | 'lines'>;

const loads: Readonly<Record<string, LoadKind>> = {
  adjust: { request: 'adjust', skus: manySkus },
  'adjust-one': { request: 'adjust', skus: oneSku },
  reserve: { request: 'reserve', skus: manySkus, lines: 3 },
  mutations: { request: 'mutations', skus: manySkus, lines: 500 },
  'get-level': { request: 'get-level', skus: manySkus },
};

async function profile(lab: Lab, kind: LoadKind): Promise<void> {
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${lab.folder}`];
  const shop = await openShop(lab, 'bench_profile', { nodeArgs });
  await countLevels(shop, { count: manySkus.count });
  const connections = Number(values.connections);
  const load = { ...kind, url: shop.service.url, apiKey: shop.apiKey, connections };
  await runHttpLoad({ ...load, seconds: 3 }, lab.tools);
  const from = monotonicMicroseconds();
  const seconds = Number(values.seconds);
  const seen = await observe(shop, () => runHttpLoad({ ...load, seconds }, lab.tools));
  const until = monotonicMicroseconds();
  // The profile is written when the process ends.
  await shop.service.stop();
  const file = (await readdir(lab.folder)).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the service left no profile');
  const times = await readSelfTimes(join(lab.folder, file), from, until);
  if (values.keep !== undefined) await copyFile(join(lab.folder, file), values.keep);
  const { sample } = seen;
  say(`${formatNumber(sample.rate)} requests/s, p99 ${formatNumber(sample.p99Ms)} ms (profiled)`);
  say(describeObservation(seen));
  say(`busy ${formatNumber(times.busyMs)} ms, idle ${formatNumber(times.idleMs)} ms`);
  print('functions, by the time spent in them', times.functions, sample.rate * seconds);
  print('packages and files', times.places, sample.rate * seconds);
}

function print(title: string, times: readonly SelfTime[], requests: number): void {
  say(`\n${title}\n${'share'.padStart(7)} ${'µs/request'.padStart(11)}`);
  for (const { name, ms, share } of times.slice(0, Number(values.top))) {
    const perRequest = formatNumber((ms * 1000) / requests);
    say(`${(share * 100).toFixed(1).padStart(6)}% ${perRequest.padStart(11)}  ${name}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const kind = loads[values.load];
if (values.help || kind === undefined) {
  say(usage);
} else {
  const lab = await openLab(parseOptions([]));
  const stop = (): void => void lab.close().finally(() => process.exit(130));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    await profile(lab, kind);
  } finally {
    await lab.close();
  }
}
