import { UsageError } from '../errors.ts';
import { startProgress } from '../progress.ts';
import {
  defaultPolicy,
  deleteBuffer,
  listBuffers,
  putBuffer,
  recomputeBuffers,
  type BufferKey,
  type BufferScope,
  type BufferView,
} from '../safety-stock/index.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, remark, type CommandIo } from './io.ts';
import type { Flags, RuleFlags, ScopeFlags } from './program-buffers.ts';
import { readAll } from './read-all.ts';
import { formatTable } from './table.ts';
import { requireMerchant, withCore } from './with-core.ts';

/** `onhand safety-buffers list`: the rules, and what holds where there is none. */
export async function buffersList(io: CommandIo, options: ScopeFlags): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const scope = { merchantId: options.merchant, ...scopeOf(options) };
    const rules = await readAll<BufferView, BufferKey>((page) =>
      listBuffers(core.db, { ...scope, ...page }),
    );
    if (options.json) printJson(io, rules);
    else print(io, rules.length === 0 ? 'no rules' : tableOf(rules));
    remark(io, `without a rule: ${JSON.stringify(defaultPolicy(core.buffers.settings))}`);
    return exitCode.ok;
  });
}

/** `onhand safety-buffers set`. */
export async function buffersSet(io: CommandIo, options: RuleFlags): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const result = await putBuffer(core.db, options.merchant, scopeOf(options), {
      strategy: options.strategy,
      units: options.units ?? null,
      percentage: options.percentage ?? null,
      leadTimeDays: options.leadTimeDays ?? null,
      serviceLevel: options.serviceLevel ?? null,
      windowDays: options.windowDays ?? null,
    });
    if (!result.ok) throw new UsageError(result.refusal.detail);
    const { buffer } = result.value;
    if (options.json) printJson(io, buffer);
    else print(io, tableOf([buffer]));
    return exitCode.ok;
  });
}

/** `onhand safety-buffers delete`. */
export async function buffersDelete(io: CommandIo, options: ScopeFlags): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const result = await deleteBuffer(core.db, options.merchant, scopeOf(options));
    if (!result.ok) throw new UsageError(result.refusal.detail);
    if (options.json) printJson(io, { deleted: true });
    else print(io, 'the rule is gone');
    return exitCode.ok;
  });
}

/** `onhand safety-buffers recompute`: in this process; 1 when another one is at it. */
export async function buffersRecompute(io: CommandIo, options: Flags): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const signal = io.stopSignal();
    const label = 'levels';
    const progress = startProgress({ label, stream: io.stderr, isTerminal: io.isTerminal });
    try {
      const done = await recomputeBuffers(core.buffers, options.merchant, {
        signal,
        onBatch: (levels) => progress.set(levels),
      });
      if (signal.aborted) return exitCode.interrupted;
      if (done === undefined) {
        progress.note('another process is at it');
        return exitCode.found;
      }
      if (options.json) printJson(io, done);
      else print(io, `${done.changed} of ${done.levels} levels changed`);
      return exitCode.ok;
    } finally {
      progress.stop();
    }
  });
}

function scopeOf({ sku, category, store: storeId }: ScopeFlags): BufferScope {
  return { sku, category, storeId };
}

function tableOf(rules: readonly BufferView[]): string {
  return formatTable(rules, [
    ['sku', (rule) => rule.sku],
    ['category', (rule) => rule.category],
    ['store', (rule) => rule.storeId],
    ['strategy', (rule) => rule.strategy],
    ['units', (rule) => rule.units],
    ['percentage', (rule) => rule.percentage],
    ['lead time', (rule) => rule.leadTimeDays],
    ['service level', (rule) => rule.serviceLevel],
    ['window', (rule) => rule.windowDays],
  ]);
}
