import {
  listChannels,
  listDeadLetters,
  redriveDeadLetters,
  type AttemptView,
  type ChannelView,
  type DeliveryView,
} from '../channels/index.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, type CommandIo } from './io.ts';
import { readAll } from './read-all.ts';
import { formatTable } from './table.ts';
import { requireMerchant, withCore } from './with-core.ts';

type Options = { readonly merchant: string; readonly json: boolean };

/** `onhand channels list`: the channels of a merchant, without their credentials. */
export async function channelsList(io: CommandIo, options: Options): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const channels = await readAll<ChannelView, string>((page) =>
      listChannels(core.db, { merchantId: options.merchant, ...page }),
    );
    if (options.json) printJson(io, channels);
    else {
      const table = formatTable(channels, [
        ['channel', (channel) => channel.channelId],
        ['kind', (channel) => channel.kind],
        ['mode', (channel) => channel.mode],
        ['status', (channel) => channel.status],
        ['why', (channel) => channel.pauseReason],
        ['changed', (channel) => channel.updatedAt],
      ]);
      print(io, channels.length === 0 ? 'no channels' : table);
    }
    return exitCode.ok;
  });
}

type DeadLetterOptions = Options & { readonly channel?: string | undefined };

/** `onhand dead-letters list`: deliveries whose attempts are spent and that still matter. */
export async function deadLettersList(io: CommandIo, options: DeadLetterOptions): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const { merchant: merchantId, channel: channelId } = options;
    const letters = await readAll<DeliveryView, string>((page) =>
      listDeadLetters(core.db, { merchantId, channelId, ...page }),
    );
    if (options.json) printJson(io, letters);
    else {
      const table = formatTable(letters, [
        ['delivery', (letter) => letter.deliveryId],
        ['channel', (letter) => letter.channelId],
        ['listings', (letter) => letter.listings],
        ['attempts', (letter) => letter.attempts.length],
        ['last error', (letter) => lastAttempt(letter)?.errorCode],
        ['last try', (letter) => lastAttempt(letter)?.startedAt],
      ]);
      print(io, letters.length === 0 ? 'no dead letters' : table);
    }
    return exitCode.ok;
  });
}

/** `onhand dead-letters redrive`: has them sent again by the workers of a running service. */
export async function deadLettersRedrive(
  io: CommandIo,
  options: DeadLetterOptions & { readonly dryRun: boolean },
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const { merchant: merchantId, channel: channelId, dryRun } = options;
    const { redriven } = await redriveDeadLetters(core.db, { merchantId, channelId, dryRun });
    if (options.json) printJson(io, { redriven, dryRun });
    else print(io, dryRun ? `${redriven} would be redriven` : `${redriven} redriven`);
    return exitCode.ok;
  });
}

function lastAttempt(letter: DeliveryView): AttemptView | undefined {
  return letter.attempts.at(-1);
}
