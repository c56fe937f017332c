export type {
  Adapters,
  Change,
  ChangeOutcome,
  ChannelAdapter,
  PublishContext,
  PublishFailure,
  PublishResult,
} from './adapter.ts';
export { closeAdapters, createAdapters } from './adapters.ts';
export type { AdapterOptions } from './adapters.ts';
export { backoffMs } from './backoff.ts';
export type { RetrySettings } from './backoff.ts';
export { deadLetterQueue, hasChannels, queueName, viewChannel } from './channel.ts';
export type { ChannelRow, ChannelView } from './channel.ts';
export {
  countDeadLetters,
  listDeadLetters,
  listDeliveries,
  pruneDeliveries,
  redriveDeadLetters,
} from './deliveries.ts';
export type { AttemptView, DeliveryFilter, DeliveryView } from './deliveries.ts';
export type { DeliveryJob, ListingKey } from './delivery-job.ts';
export {
  blockChannel,
  isStillLed,
  leadChannels,
  leaseMsOf,
  listQueues,
  releaseLease,
  reloadChannel,
} from './lead-channels.ts';
export type { Lease } from './lead-channels.ts';
export { listListings, putListings } from './listings.ts';
export type { ListingInput, ListingView } from './listings.ts';
export {
  deleteChannel,
  getChannel,
  listChannels,
  pauseChannel,
  republishChannel,
  resumeChannel,
} from './manage-channel.ts';
export { markListings } from './mark-listings.ts';
export { messageIdOf } from './message-id.ts';
export { replaceJobs, takeRedriven } from './move-listings.ts';
export { planLatest } from './plan-call.ts';
export type { Settlement, Step } from './plan-call.ts';
export { planEntries } from './plan-entries.ts';
export { canOpenCredentials, openChannelCredentials, publish } from './publish.ts';
export { channelNotFound, findChannelsById } from './manage-channel.ts';
export { ListingIndex } from './listing-index.ts';
export type { Authentication, InboundEvent, InboundLine, InboundWebhook } from './adapter.ts';
export { putChannel } from './put-channel.ts';
export type { PutChannelContext, PutChannelInput, PutChannelResult } from './put-channel.ts';
export { readListings } from './read-listings.ts';
export type { DueListing } from './read-listings.ts';
export { recordAttempts, recordListings, recordSuperseded } from './record-call.ts';
export type { AttemptRecord, Recorded, SettledListing } from './record-call.ts';
export { verifyWebhook } from './webhook/signature.ts';
export { continueBackfill, readRequests, sweepListings } from './sweep-listings.ts';
export type { AttemptOutcome, ChannelMode, DeliveryStatus } from './tables.ts';
