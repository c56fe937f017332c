import type { ChannelAdapter } from '../../src/channels/index.ts';
import {
  closeSourceKinds,
  createSourceKinds,
  putSource,
  type PutSourceInput,
  type SourcesContext,
} from '../../src/sources/index.ts';
import {
  getReconciliation,
  listDrifts,
  requestReconciliation,
  type DriftAlert,
  type DriftView,
  type ReconciliationView,
} from '../../src/reconciliation/index.ts';
import type { Jobs, JobsOptions } from '../../src/jobs/index.ts';
import { openWriterPool } from '../../src/stock/index.ts';
import { DeliveryRig, merchantId } from '../jobs/delivery-rig.ts';
import { createDataDir } from '../support/data-dir.ts';
import { waitFor } from '../support/wait-for.ts';

export { merchantId };

/** Deliveries and sources on one database, and runs that hold them against ours. */
export type ReconciliationRig = {
  readonly rig: DeliveryRig;
  readonly sources: SourcesContext;
  readonly feedFolder: string;
  readonly alerts: readonly DriftAlert[];
  start(options?: Partial<JobsOptions>): Promise<Jobs>;
  putSource(input: Partial<PutSourceInput> & { sourceId: string }): Promise<void>;
  request(scope?: { channelId?: string; sourceId?: string }): Promise<string>;
  view(reconciliationId: string): Promise<ReconciliationView>;
  finished(reconciliationId: string): Promise<ReconciliationView>;
  /** Asks for a run and waits for its end. */
  reconcile(scope?: { channelId?: string; sourceId?: string }): Promise<ReconciliationView>;
  drifts(): Promise<readonly DriftView[]>;
  close(): Promise<void>;
};

export async function openReconciliationRig(
  ...more: readonly ChannelAdapter[]
): Promise<ReconciliationRig> {
  const rig = await DeliveryRig.open(...more);
  const folder = await createDataDir();
  const pool = openWriterPool(rig.database.connectionString, 2_000);
  const kinds = createSourceKinds({
    allowPrivateAddresses: true,
    feedFolderOf: () => folder.path,
  });
  const alerts: DriftAlert[] = [];
  const started: Jobs[] = [];
  const sources: SourcesContext = {
    db: rig.db,
    together: { pool, clock: rig.clock, maxRetries: 5 },
    kinds,
    secretBox: rig.secretBox,
    clock: rig.clock,
    settings: { intervalMinutes: 1_000, batchSize: 100, deduplication: true },
    events: {},
  };
  const view = async (reconciliationId: string): Promise<ReconciliationView> => {
    const found = await getReconciliation(rig.db, merchantId, reconciliationId);
    if (!found.ok) throw new Error(found.refusal.code);
    return found.value;
  };
  const request = async (
    scope: { channelId?: string; sourceId?: string } = {},
  ): Promise<string> => {
    const result = await requestReconciliation(sources, { merchantId, ...scope });
    if (!result.ok) throw new Error(result.refusal.code);
    for (const jobs of started) jobs.wakeReconciliation();
    return result.value.reconciliationId;
  };
  const finished = (id: string): Promise<ReconciliationView> =>
    waitFor(
      async () => {
        const found = await view(id);
        return found.status === 'finished' ? found : undefined;
      },
      { what: 'the end of the run' },
    );
  return {
    rig,
    sources,
    feedFolder: folder.path,
    alerts,
    async start(options = {}) {
      const jobs = await rig.start({
        sources,
        reconciliation: {
          schedule: '0 2 * * *',
          discrepancyThreshold: 5,
          alertOnBreach: true,
          confirmMs: 50,
          lookMs: 50,
          events: { onAlert: (alert) => void alerts.push(alert) },
        },
        ...options,
      });
      started.push(jobs);
      return jobs;
    },
    async putSource(input) {
      const result = await putSource(sources, {
        merchantId,
        kind: 'push',
        config: {},
        owns: [{ quantity: 'onHand' }],
        ...input,
      });
      if (!result.ok) throw new Error(JSON.stringify(result.refusal));
    },
    request,
    view,
    finished,
    reconcile: async (scope) => finished(await request(scope)),
    async drifts() {
      const found = await listDrifts(rig.db, { merchantId, limit: 1_000 });
      return found.items.toReversed();
    },
    async close() {
      await rig.close();
      await closeSourceKinds(kinds);
      await pool.end();
      await folder.remove();
    },
  };
}
