export {
  countPoll,
  dropOperations,
  keepOperations,
  readOperations,
} from './accepted-operations.ts';
export type { AcceptedOperation, KnownOperation } from './accepted-operations.ts';
export type {
  AdapterContext,
  Adapters,
  Capabilities,
  Change,
  ChangeOutcome,
  ChannelAdapter,
  Confirmation,
  FetchOrderResult,
  InboundOrder,
  PublishContext,
  PublishFailure,
  PublishResult,
  ReadResult,
} from './adapter.ts';
export { checkKinds, closeAdapters, createAdapters } from './adapters.ts';
export type { AdapterOptions } from './adapters.ts';
export { backoffMs } from './backoff.ts';
export type { RetrySettings } from './backoff.ts';
export { deadLetterQueue, hasChannels, queueName } from './channel.ts';
export type { ChannelRow, ChannelView } from './channel.ts';
export {
  countDeadLetters,
  listDeadLetters,
  listDeliveries,
  pruneDeliveries,
  redriveDeadLetters,
} from './deliveries.ts';
export type { AttemptView, DeliveryFilter, DeliveryView } from './deliveries.ts';
export { newDeliveryJob } from './delivery-job.ts';
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
export { leaveHeld, lockListing, sendHeld } from './held-listings.ts';
export { takeRequested } from './listing-requests.ts';
export { markListings } from './mark-listings.ts';
export { messageIdOf } from './message-id.ts';
export { replaceJobs, takeRedriven } from './move-listings.ts';
export { lockListings, observeListings, reassignListings } from './observe-listings.ts';
export type { ObservedDrift, ObservedListing } from './observe-listings.ts';
export { planLatest, planRules } from './plan-call.ts';
export type { PlanRules, Settlement, Step } from './plan-call.ts';
export { pauseListing } from './pause-listing.ts';
export { planEntries } from './plan-entries.ts';
export {
  canOpenCredentials,
  confirm,
  fetchOrder,
  openChannelCredentials,
  publish,
  readShown,
} from './publish.ts';
export { channelNotFound, findChannel, findChannelsById } from './manage-channel.ts';
export { ListingIndex } from './listing-index.ts';
export { checkListings } from './check-listings.ts';
export type { ListingCheck, ListingProblem } from './check-listings.ts';
export { discoverAll, discoverListings } from './discover-listings.ts';
export type { FoundItem, FoundPage } from './discover-listings.ts';
export { readMapping } from './mapping.ts';
export type { MappedListing } from './mapping.ts';
export type { Authentication, InboundEvent, InboundLine, InboundWebhook } from './adapter.ts';
export { putChannel } from './put-channel.ts';
export type { PutChannelContext, PutChannelInput, PutChannelResult } from './put-channel.ts';
export { readListings } from './read-listings.ts';
export type { DueListing } from './read-listings.ts';
export { attemptsAfter, recordAttempts, recordListings, recordSuperseded } from './record-call.ts';
export type { AttemptRecord, Recorded, SettledListing } from './record-call.ts';
export { listingKeysAfter, lockShown, noteDrifts, shownListings } from './shown-listings.ts';
export type { ChannelName, DriftStep, NotedListing, ShownListing } from './shown-listings.ts';
export { verifyWebhook } from './webhook/signature.ts';
export { bufferSchema, shownQuantity } from './shown-quantity.ts';
export type { Buffer, ShownRules } from './shown-quantity.ts';
export { noteState } from './channel-state.ts';
export type { ChannelState } from './channel-state.ts';
export { dropStoredCalls, lostCarriers, readStoredCalls, storeCall } from './stored-calls.ts';
export type { StoredCall } from './stored-calls.ts';
export { verifyChannel } from './verify-channel.ts';
export type { Verification } from './verify-channel.ts';
export { continueBackfill, readRequests, sweepListings } from './sweep-listings.ts';
export { giveBackRevisions, spendRevisions } from './revision-budgets.ts';
export type { Revision, SpentRevisions } from './revision-budgets.ts';
export { waitListings } from './wait-listings.ts';
export type { WaitingListing } from './wait-listings.ts';
export type { AttemptOutcome, ChannelMode, DeliveryStatus, DriftPolicy } from './tables.ts';
