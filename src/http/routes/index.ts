import type { Services } from '../context.ts';
import { describeApi } from '../openapi.ts';
import type { Operation } from '../operation.ts';
import { receiveWebhook } from './receive-webhook.ts';
import { listInbox } from './list-inbox.ts';
import { replayWebhook } from './replay-webhook.ts';
import { listOpenQuestions } from './list-open-questions.ts';
import { answerOpenQuestion } from './answer-open-question.ts';
import { retryOpenQuestions } from './retry-open-questions.ts';
import { adjustLevel } from './adjust-level.ts';
import { applyMutations } from './apply-mutations.ts';
import { approveDrift } from './approve-drift.ts';
import { commitReservation } from './commit-reservation.ts';
import { createKey } from './create-key.ts';
import { createReservation } from './create-reservation.ts';
import { deleteChannel } from './delete-channel.ts';
import { deleteKey } from './delete-key.ts';
import { extendReservation } from './extend-reservation.ts';
import { getAvailable } from './get-available.ts';
import { getChannel } from './get-channel.ts';
import { getDocs, getDocsFile } from './get-docs.ts';
import { getHealth } from './get-health.ts';
import { getLevelAsOf } from './get-level-as-of.ts';
import { getLevel } from './get-level.ts';
import { getLiveness } from './get-liveness.ts';
import { getHealthMetrics, getMetrics } from './get-metrics.ts';
import { getOpenApi } from './get-openapi.ts';
import { getPrometheusMetrics } from './get-prometheus-metrics.ts';
import { getReadiness } from './get-readiness.ts';
import { getReservation } from './get-reservation.ts';
import { getStockOfSku } from './get-stock-of-sku.ts';
import { getStore } from './get-store.ts';
import { ignoreDrift } from './ignore-drift.ts';
import { listChannels } from './list-channels.ts';
import { listDeadLetters } from './list-dead-letters.ts';
import { listDeliveries } from './list-deliveries.ts';
import { listDrifts } from './list-drifts.ts';
import { listKeys } from './list-keys.ts';
import { listLedger } from './list-ledger.ts';
import { listListings } from './list-listings.ts';
import { listMerchants } from './list-merchants.ts';
import { listReservations } from './list-reservations.ts';
import { listStock } from './list-stock.ts';
import { listStores } from './list-stores.ts';
import { pauseChannel } from './pause-channel.ts';
import { pauseListing } from './pause-listing.ts';
import { putChannel } from './put-channel.ts';
import { putLevel } from './put-level.ts';
import { putListing } from './put-listing.ts';
import { putListings } from './put-listings.ts';
import { putMerchant } from './put-merchant.ts';
import { putStore } from './put-store.ts';
import { receiveEvent } from './receive-event.ts';
import { redriveDeadLetters } from './redrive-dead-letters.ts';
import { releaseReservation } from './release-reservation.ts';
import { republishChannel } from './republish-channel.ts';
import { reserveAtLevel } from './reserve-at-level.ts';
import { resumeChannel } from './resume-channel.ts';
import { approveQuarantine } from './approve-quarantine.ts';
import { deleteSource } from './delete-source.ts';
import { getSource } from './get-source.ts';
import { getSyncStatus } from './get-sync-status.ts';
import { listHeldItems } from './list-held-items.ts';
import { listQuarantine } from './list-quarantine.ts';
import { listSources } from './list-sources.ts';
import { listSyncRuns } from './list-sync-runs.ts';
import { pushChanges } from './push-changes.ts';
import { putSource } from './put-source.ts';
import { refuseQuarantine } from './refuse-quarantine.ts';
import { requestSync } from './request-sync.ts';
import { startSync } from './start-sync.ts';
import { stopSync } from './stop-sync.ts';
import { deleteSafetyBuffer } from './delete-safety-buffer.ts';
import { getSafetyBufferStatus } from './get-safety-buffer-status.ts';
import { getSafetyStock } from './get-safety-stock.ts';
import { listSafetyBuffers } from './list-safety-buffers.ts';
import { listSafetyCategories } from './list-safety-categories.ts';
import { putSafetyBuffer } from './put-safety-buffer.ts';
import { putSafetyCategories } from './put-safety-categories.ts';
import { requestRecompute } from './request-recompute.ts';
import { resumeListing } from './resume-listing.ts';
import { verifyChannel } from './verify-channel.ts';
import { discoverListings } from './discover-listings.ts';
import { checkListings } from './check-listings.ts';

/** Every operation of the API, in the order of its description. */
const operations: readonly Operation[] = [
  getHealth,
  getLiveness,
  getReadiness,
  getHealthMetrics,
  getMetrics,
  getPrometheusMetrics,
  putMerchant,
  listMerchants,
  createKey,
  listKeys,
  deleteKey,
  putStore,
  listStores,
  getStore,
  getLevel,
  putLevel,
  adjustLevel,
  reserveAtLevel,
  getStockOfSku,
  listStock,
  getLevelAsOf,
  getAvailable,
  applyMutations,
  listLedger,
  createReservation,
  listReservations,
  getReservation,
  commitReservation,
  releaseReservation,
  extendReservation,
  receiveEvent,
  putChannel,
  listChannels,
  getChannel,
  deleteChannel,
  pauseChannel,
  resumeChannel,
  republishChannel,
  verifyChannel,
  discoverListings,
  checkListings,
  putListing,
  putListings,
  listListings,
  pauseListing,
  resumeListing,
  listDeliveries,
  listDeadLetters,
  redriveDeadLetters,
  putSource,
  listSources,
  getSource,
  deleteSource,
  pushChanges,
  listHeldItems,
  requestSync,
  getSyncStatus,
  startSync,
  stopSync,
  listSyncRuns,
  listQuarantine,
  approveQuarantine,
  refuseQuarantine,
  receiveWebhook,
  listInbox,
  replayWebhook,
  listOpenQuestions,
  answerOpenQuestion,
  retryOpenQuestions,
  listDrifts,
  approveDrift,
  ignoreDrift,
  putSafetyBuffer,
  listSafetyBuffers,
  deleteSafetyBuffer,
  putSafetyCategories,
  listSafetyCategories,
  requestRecompute,
  getSafetyBufferStatus,
  getSafetyStock,
  getDocs,
  getDocsFile,
];

/** The operations with the one that describes them all. */
export function operationsOf({ version }: Pick<Services, 'version'>): readonly Operation[] {
  let text: string | undefined;
  const description = getOpenApi(() => (text ??= JSON.stringify(describeApi(all, version))));
  const all = [...operations, description];
  return all;
}
