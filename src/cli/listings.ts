import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  checkListings,
  closeAdapters,
  createAdapters,
  discoverListings,
  findChannel,
  putListings,
  readMapping,
  type Adapters,
  type ChannelAdapter,
  type ChannelRow,
  type FoundItem,
  type MappedListing,
} from '../channels/index.ts';
import type { Core } from '../core.ts';
import { UsageError } from '../errors.ts';
import { startProgress } from '../progress.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, type CommandIo } from './io.ts';
import { importListingRows } from './import-listing-rows.ts';
import { countLines } from './line-count.ts';
import { readListingFile, type ListingRow } from './listing-file.ts';
import { formatTable } from './table.ts';
import { requireMerchant, withCore } from './with-core.ts';

type Options = { readonly merchant: string; readonly json: boolean };

type Opened = {
  readonly core: Core;
  readonly adapters: Adapters;
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelRow;
};

/** Does `work` with a channel and its adapter, or throws a UsageError where there is none. */
async function withChannel<T>(
  io: CommandIo,
  merchantId: string,
  channelId: string,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, merchantId);
    const adapters = createAdapters(core.config.channels);
    try {
      const channel = await findChannel(core.db, merchantId, channelId);
      const adapter = channel === undefined ? undefined : adapters.get(channel.kind);
      if (channel === undefined || adapter === undefined) {
        throw new UsageError(`There is no channel "${channelId}". \`onhand channels list\``);
      }
      return await work({ core, adapters, adapter, channel });
    } finally {
      await closeAdapters(adapters);
    }
  });
}

const chunk = 500;

/** `onhand listings import`: says by which ids a channel knows SKUs, from a CSV file. */
export async function listingsImport(
  io: CommandIo,
  channelId: string,
  path: string,
  options: Options & { readonly store: string; readonly dryRun: boolean },
): Promise<number> {
  const signal = io.stopSignal();
  const total = Math.max((await countLines(path)) - 1, 0);
  return await withChannel(io, options.merchant, channelId, async ({ core, adapter, channel }) => {
    const stream = { stream: io.stderr, isTerminal: io.isTerminal };
    const progress = startProgress({ label: 'import', total, ...stream });
    let badRows = 0;
    const onBadRow = (line: number, problem: string): void => {
      badRows += 1;
      progress.note(`line ${line}: ${problem}`);
    };
    const stores = new Map<string, boolean>();
    let [rows, listed]: [ListingRow[], number] = [[], 0];
    const flush = async (): Promise<void> => {
      const { dryRun } = options;
      listed += await importListingRows(core.db, channel, rows, { dryRun, stores, onBadRow });
      progress.advance(rows.length);
      rows = [];
    };
    const file = readListingFile(path, { store: options.store, adapter }, onBadRow);
    for await (const row of file) {
      if (signal.aborted) break;
      rows.push(row);
      if (rows.length >= chunk) await flush();
    }
    if (!signal.aborted && rows.length > 0) await flush();
    progress.stop();
    const report = { listed, badRows, dryRun: options.dryRun, stopped: signal.aborted };
    if (options.json) printJson(io, report);
    else {
      print(io, `listed    ${listed}${options.dryRun ? ' would be' : ''}`);
      print(io, `bad rows  ${badRows}`);
      if (report.stopped) print(io, 'stopped before the end; run it again to go on');
    }
    if (report.stopped) return exitCode.interrupted;
    return badRows === 0 ? exitCode.ok : exitCode.found;
  });
}

/** `onhand listings export`: the listings of a channel as CSV, as `import` takes them. */
export async function listingsExport(
  io: CommandIo,
  channelId: string,
  options: { readonly merchant: string; readonly to?: string | undefined },
): Promise<number> {
  return await withChannel(io, options.merchant, channelId, async ({ core, channel }) => {
    // Twice through: the header comes first, and names every id that any listing has.
    const names = new Set<string>();
    for await (const { externalIds } of readMapping(core.db, channel)) {
      for (const name of Object.keys(fieldsOf(externalIds))) names.add(name);
    }
    const lines = Readable.from(csvLines(readMapping(core.db, channel), [...names].toSorted()));
    if (options.to === undefined) for await (const line of lines) io.stdout.write(String(line));
    else await pipeline(lines, createWriteStream(options.to));
    return exitCode.ok;
  });
}

async function* csvLines(
  listings: AsyncIterable<MappedListing>,
  names: readonly string[],
): AsyncGenerator<string> {
  yield csvLine(['sku', 'storeId', ...names]);
  for await (const { sku, storeId, externalIds } of listings) {
    const fields = fieldsOf(externalIds);
    yield csvLine([sku, storeId, ...names.map((name) => fields[name] ?? '')]);
  }
}

function csvLine(fields: readonly string[]): string {
  const quoted = fields.map((text) =>
    /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text,
  );
  return `${quoted.join(',')}\n`;
}

function fieldsOf(externalIds: unknown): Readonly<Record<string, string>> {
  if (typeof externalIds !== 'object' || externalIds === null) return {};
  return Object.fromEntries(
    Object.entries(externalIds).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

/** `onhand listings check`: what cannot be published as it is. Exit code 1 when there is any. */
export async function listingsCheck(
  io: CommandIo,
  channelId: string,
  options: Options,
): Promise<number> {
  const { merchant: merchantId } = options;
  return await withChannel(io, merchantId, channelId, async ({ core, adapters }) => {
    const wanted = { merchantId, channelId, limit: Number.POSITIVE_INFINITY };
    const result = await checkListings(core.db, adapters, wanted);
    if (!result.ok) throw new UsageError(result.refusal.detail);
    const { checked, found, problems } = result.value;
    if (options.json) printJson(io, result.value);
    else {
      const table = formatTable(problems, [
        ['problem', ({ code }) => code],
        ['sku', ({ sku }) => sku],
        ['store', ({ storeId }) => storeId],
        ['shared with', ({ other }) => (other === null ? null : `${other.sku} ${other.storeId}`)],
      ]);
      if (found > 0) print(io, table);
      print(io, `${checked} listings, ${found} problems`);
    }
    return found === 0 ? exitCode.ok : exitCode.found;
  });
}

/** `onhand listings discover`: what the channel sells; with `apply` lists what is unambiguous. */
export async function listingsDiscover(
  io: CommandIo,
  channelId: string,
  options: Options & { readonly apply: boolean },
): Promise<number> {
  const { merchant: merchantId } = options;
  return await withChannel(io, merchantId, channelId, async ({ core, adapters, channel }) => {
    const context = { adapters, secretBox: core.secretBox, now: () => core.clock.now() };
    const items: FoundItem[] = [];
    let cursor: string | null = null;
    let listed = 0;
    do {
      const result = await discoverListings(core.db, context, { merchantId, channelId, cursor });
      if (!result.ok) throw new UsageError(result.refusal.detail);
      const page = result.value;
      if (page.code !== null) {
        io.stderr.write(`The channel did not say what it sells: ${page.code}.\n`);
        return exitCode.found;
      }
      if (options.apply) listed += await applySuggestions(core, channel, page.items);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    if (options.json) printJson(io, { items, listed });
    else {
      const table = formatTable(items, [
        ['item', ({ channelSku, title }) => channelSku ?? title],
        ['place', ({ location }) => location?.name ?? location?.id],
        ['shows', ({ quantity }) => quantity],
        ['listing', ({ listing }) => (listing === null ? null : nameOf(listing))],
        ['would be', ({ suggestion }) => (suggestion === null ? null : nameOf(suggestion))],
      ]);
      print(io, items.length === 0 ? 'the channel sells nothing' : table);
      if (options.apply) print(io, `${listed} listed`);
    }
    return exitCode.ok;
  });
}

function nameOf({ sku, storeId }: { readonly sku: string; readonly storeId: string }): string {
  return `${sku} ${storeId}`;
}

async function applySuggestions(
  core: Core,
  { merchant_id: merchantId, channel_id: channelId }: ChannelRow,
  items: readonly FoundItem[],
): Promise<number> {
  const listings = items.flatMap(({ suggestion, externalIds }) =>
    suggestion === null ? [] : [{ ...suggestion, externalIds }],
  );
  if (listings.length === 0) return 0;
  const result = await putListings(core.db, { merchantId, channelId, listings });
  return result.ok ? listings.length : 0;
}
