import { UsageError } from '../errors.ts';
import type { PageRequest } from '../page.ts';
import {
  approveDrift,
  driftsAsCsv,
  ignoreDrift,
  listDrifts,
  type DriftStatus,
} from '../reconciliation/index.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, remark, type CommandIo } from './io.ts';
import { readAll } from './read-all.ts';
import { formatTable } from './table.ts';
import { requireMerchant, withCore } from './with-core.ts';

type Options = { readonly merchant: string; readonly json: boolean };
type ListOptions = Options & {
  readonly status?: DriftStatus | undefined;
  readonly channel?: string | undefined;
  readonly source?: string | undefined;
  readonly csv: boolean;
};

/** `onhand drifts list`: figures that were shown or told otherwise than expected, newest first. */
export async function driftsList(io: CommandIo, options: ListOptions): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const { merchant: merchantId, channel: channelId, source: sourceId, status } = options;
    const filter = { merchantId, channelId, sourceId, status };
    const drifts = await readAll((page: PageRequest) =>
      listDrifts(core.db, { ...filter, ...page }),
    );
    if (options.json) printJson(io, drifts);
    else if (options.csv) io.stdout.write(driftsAsCsv(drifts));
    else {
      const table = formatTable(drifts, [
        ['id', (drift) => drift.driftId],
        ['channel', (drift) => drift.channelId],
        ['source', (drift) => drift.sourceId],
        ['store', (drift) => drift.storeId],
        ['sku', (drift) => drift.sku],
        ['expected', (drift) => drift.expected],
        ['observed', (drift) => drift.observed],
        ['cause', (drift) => drift.cause],
        ['status', (drift) => drift.status],
        ['found', (drift) => drift.foundAt],
      ]);
      print(io, drifts.length === 0 ? 'no drifts' : table);
    }
    return exitCode.ok;
  });
}

/** `onhand drifts approve` and `ignore`. */
export async function driftsDecide(
  io: CommandIo,
  driftId: string,
  options: Options & { readonly decision: 'approve' | 'ignore' },
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const decide = options.decision === 'approve' ? approveDrift : ignoreDrift;
    const result = await decide(core.db, { merchantId: options.merchant, driftId });
    if (!result.ok) throw new UsageError(`${driftId}: ${result.refusal.detail}`);
    if (options.json) printJson(io, result.value);
    else print(io, `${driftId} ${result.value.status}`);
    if (options.decision === 'approve') remark(io, 'a running service settles it');
    return exitCode.ok;
  });
}
