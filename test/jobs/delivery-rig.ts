import type { Pool } from 'pg';
import {
  closeAdapters,
  createAdapters,
  listDeliveries,
  putChannel,
  type Adapters,
  type ChannelAdapter,
  type DeliveryView,
  type PutChannelInput,
  type PutChannelResult,
} from '../../src/channels/index.ts';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { openSecretBox } from '../../src/encryption.ts';
import { startJobs, type Jobs, type JobsOptions } from '../../src/jobs/index.ts';
import { expireReservations } from '../../src/reservations/index.ts';
import { createLogger } from '../../src/logger.ts';
import { adjustStock, setStock, type Command } from '../../src/stock/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';
import { openInspector, openTestWriter, provenance, type TestWriter } from '../support/stock.ts';
import { waitFor } from '../support/wait-for.ts';
import type { ChannelServer } from './channel-server.ts';

export const merchantId = 'default';
/** Quick retries: some 20, 40 and 80 ms. */
export const quickRetry = {
  baseMs: 20,
  maxMs: 200,
  multiplier: 2,
  maxAttempts: 4,
  deadLetters: true,
};

/** A database with a writer, and as many delivering processes as a test starts. */
export class DeliveryRig {
  readonly database: TestDatabase;
  readonly handle: DatabaseHandle;
  readonly inspector: Pool;
  readonly adapters: Adapters;
  readonly secretBox = openSecretBox({ encryptionKey: '11'.repeat(32), dataDir: '/nowhere' });
  readonly #writer: TestWriter;
  readonly #jobs = new Set<Jobs>();

  private constructor(database: TestDatabase, inspector: Pool, more: readonly ChannelAdapter[]) {
    const known = createAdapters({ allowPrivateAddresses: true });
    this.adapters = new Map([...known, ...more.map((adapter) => [adapter.kind, adapter] as const)]);
    this.database = database;
    this.inspector = inspector;
    this.handle = openDatabase({ connectionString: database.connectionString });
    this.#writer = openTestWriter(database.connectionString, {
      onCommitted: () => {
        for (const jobs of this.#jobs) jobs.wakeRelay();
      },
    });
  }

  /** @param more adapters of the test's own */
  static async open(...more: readonly ChannelAdapter[]): Promise<DeliveryRig> {
    const database = await createTestDatabase();
    return new DeliveryRig(database, await openInspector(database.connectionString), more);
  }

  get db(): DatabaseHandle['db'] {
    return this.handle.db;
  }

  get clock(): TestWriter['clock'] {
    return this.#writer.clock;
  }

  async start(options: Partial<JobsOptions> = {}): Promise<Jobs> {
    const jobs = await startJobs({
      connectionString: this.database.connectionString,
      adapters: this.adapters,
      secretBox: this.secretBox,
      clock: this.clock,
      logger: createLogger('silent'),
      retry: quickRetry,
      workers: true,
      sweepMs: 200,
      breaker: { threshold: 0.5, cooldownMs: 50 },
      ...options,
    });
    this.#jobs.add(jobs);
    return jobs;
  }

  async stop(jobs: Jobs): Promise<void> {
    this.#jobs.delete(jobs);
    await jobs.stop(5_000);
  }

  /** Ends a delivering process as a kill would. */
  async kill(jobs: Jobs): Promise<void> {
    this.#jobs.delete(jobs);
    await jobs.abandon();
  }

  /** Makes a webhook channel that calls the server, or throws. */
  async connect(
    server: ChannelServer,
    channelId: string,
    more: Partial<PutChannelInput> & { config?: Record<string, unknown> } = {},
  ): Promise<PutChannelResult> {
    const { adapters, secretBox, clock } = this;
    const result = await putChannel(
      this.db,
      { adapters, secretBox, clock },
      {
        merchantId,
        channelId,
        kind: 'webhook',
        ...more,
        config: { url: server.url, ...more.config },
      },
    );
    if (!result.ok) throw new Error(result.refusal.code);
    server.secret = result.value.generatedSecret ?? server.secret;
    for (const jobs of this.#jobs) jobs.wakeChannels();
    return result.value;
  }

  /** Makes a channel of the fake vendor, or throws. */
  async connectVendor(
    vendor: { readonly url: string },
    channelId: string,
    more: Partial<PutChannelInput> = {},
  ): Promise<PutChannelResult> {
    const { adapters, secretBox, clock } = this;
    const result = await putChannel(
      this.db,
      { adapters, secretBox, clock },
      {
        merchantId,
        channelId,
        kind: 'vendor',
        config: { baseUrl: vendor.url },
        credentials: { token: 'first' },
        ...more,
      },
    );
    if (!result.ok) throw new Error(result.refusal.code);
    for (const jobs of this.#jobs) jobs.wakeChannels();
    return result.value;
  }

  async submit(...commands: Command[]): Promise<void> {
    const outcomes = await this.#writer.writer.submit(commands);
    const refused = outcomes.find((outcome) => outcome.kind === 'refused');
    if (refused?.kind === 'refused') throw new Error(refused.refusal.code);
  }

  setLevel(sku: string, onHand: number, merchant = merchantId): Promise<void> {
    const level = { merchantId: merchant, sku, storeId: 'main' };
    return this.submit(setStock({ level, request: { onHand }, provenance }));
  }

  change(sku: string, delta: number, sourceChannel: string | null = null): Promise<void> {
    return this.submit(
      adjustStock({
        level: { merchantId, sku, storeId: 'main' },
        request: { quantity: 'onHand', delta, mode: 'fact' },
        provenance: { ...provenance, sourceChannel },
      }),
    );
  }

  /** Writes down the holds that have ended. */
  async sweep(): Promise<void> {
    await expireReservations(this.db, this.#writer.writer, this.clock);
  }

  /** What stock has, by SKU. */
  async stock(): Promise<Record<string, number>> {
    const { rows } = await this.inspector.query<{ sku: string; on_hand: number }>(
      'select sku, on_hand from stock_level where merchant_id = $1',
      [merchantId],
    );
    return Object.fromEntries(rows.map((row) => [row.sku, row.on_hand]));
  }

  /** Waits until nothing is on its way: the outbox is empty, and listings are idle (or dead). */
  async settled(timeoutMs = 60_000): Promise<void> {
    await waitFor(
      async () => {
        const { rows } = await this.inspector.query<{ open: number }>(
          `select (select count(*) from outbox_message)
             + (select count(*) from listing where state = 'queued')
             + (select count(*) from channel where backfill is not null and enabled)
             + (select count(*) from stock_level s join channel c using (merchant_id)
                left join listing l on l.merchant_id = s.merchant_id and l.sku = s.sku
                  and l.location_id = s.location_id and l.channel_id = c.channel_id
                where c.mode = 'latest' and c.enabled and c.selects_all
                  and c.select_skus is null and l.sku is null) as open`,
        );
        return Number(rows[0]?.open) === 0;
      },
      { what: 'deliveries to settle', timeoutMs },
    );
  }

  async deliveries(channelId: string): Promise<readonly DeliveryView[]> {
    return (await listDeliveries(this.db, { merchantId, channelId, limit: 1_000 })).items;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#jobs].map((jobs) => jobs.stop(5_000)));
    await this.#writer.close();
    await closeAdapters(this.adapters);
    await Promise.all([this.inspector.end(), this.handle.close()]);
    await this.database.drop();
  }
}
