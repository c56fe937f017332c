import { readShown, type ChannelAdapter, type ReadResult } from '../channels/index.ts';
import { noteFailure, type CallsInput } from './make-call.ts';

export type ListingName = {
  readonly storeId: string;
  readonly sku: string;
  readonly externalIds: unknown;
};

/**
 * Asks a channel what listings show: in one of its places, at its rate, and not while its circuit
 * is open. What it answers counts for the circuit as a delivery does. Undefined: no call may go
 * out now.
 */
export async function makeRead(
  input: Pick<CallsInput, 'context' | 'channel' | 'gate' | 'reload' | 'isProbe'>,
  adapter: Required<Pick<ChannelAdapter, 'read'>>,
  listings: readonly ListingName[],
): Promise<ReadResult | undefined> {
  const { context, channel, gate } = input;
  const options = {
    secretBox: context.secretBox,
    now: () => context.clock.now(),
    signal: gate.signal,
  };
  const result = await gate.pass(input.isProbe, () =>
    readShown(adapter, channel, listings, options),
  );
  if (result === undefined || (!result.ok && gate.signal.aborted)) return undefined;
  if (result.ok) gate.circuit.succeeded();
  else
    await noteFailure(input, result.failure, result.failure.retryAfterMs ?? context.retry.baseMs);
  return result;
}
