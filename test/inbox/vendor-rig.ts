import type { Pool } from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';
import { startService, type Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

/** A webhook as a vendor sends it. */
export type SignedWebhook = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

type Answer = Record<string, unknown>;

/** A service as a process of its own, and what a vendor and an operator do to it. */
export class VendorRig {
  readonly database: TestDatabase;
  readonly inspector: Pool;
  readonly service: Service;

  private constructor(database: TestDatabase, inspector: Pool, service: Service) {
    this.database = database;
    this.inspector = inspector;
    this.service = service;
  }

  static async open(): Promise<VendorRig> {
    const database = await createTestDatabase();
    const { connectionString } = database;
    const env = { DATABASE_URL: connectionString, ENCRYPTION_KEY: '33'.repeat(32) };
    const service = await startService(env).catch(async (error: unknown) => {
      await database.drop();
      throw error;
    });
    return new VendorRig(database, createPool({ connectionString }), service);
  }

  async close(): Promise<void> {
    await this.service.stop();
    await this.inspector.end();
    await this.database.drop();
  }

  async api(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.service.call(method, path, body);
    const answer = (await response.json()) as Answer;
    if (response.ok) return answer;
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  }

  /** Makes a channel that lists SKUs of which so many are there, and waits until it shows them. */
  async connect(
    channelId: string,
    channel: Record<string, unknown>,
    skus: Readonly<Record<string, number>>,
    idsOf: (sku: string) => unknown,
  ): Promise<void> {
    await this.api('PUT', '/api/stores/main', {});
    for (const [sku, onHand] of Object.entries(skus)) {
      await this.api('PUT', `/api/inventory/stores/main/inventory/${sku}`, { onHand });
    }
    await this.api('PUT', `/api/channels/${channelId}`, channel);
    const listings = Object.keys(skus).map((sku) => {
      return { storeId: 'main', sku, externalIds: idsOf(sku) };
    });
    await this.api('POST', `/api/channels/${channelId}/listings`, { listings });
    await this.shown(channelId);
  }

  levelOf(sku: string): Promise<Answer> {
    return this.api('GET', `/api/inventory/stores/main/inventory/${sku}`);
  }

  /** Sends a webhook to the channel's address; resolves with the status. */
  async send(channelId: string, { headers, body }: SignedWebhook): Promise<number> {
    const response = await fetch(`${this.service.url}/api/webhooks/${channelId}`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /**
   * Sends each webhook twice, shuffled, twenty at a time.
   * @returns how often which status was answered
   */
  async storm(
    channelId: string,
    webhooks: readonly SignedWebhook[],
    seed: number,
  ): Promise<Readonly<Record<number, number>>> {
    const answers: Record<number, number> = {};
    const sending = shuffled([...webhooks, ...webhooks], seed);
    for (let from = 0; from < sending.length; from += 20) {
      const some = sending.slice(from, from + 20);
      for (const status of await Promise.all(some.map((one) => this.send(channelId, one)))) {
        answers[status] = (answers[status] ?? 0) + 1;
      }
    }
    return answers;
  }

  /** Waits until every webhook that was taken in is worked. */
  async worked(): Promise<void> {
    await waitFor(
      async () => {
        const { rowCount } = await this.inspector.query(
          "select from inbox_webhook where status = 'waiting'",
        );
        return rowCount === 0;
      },
      { what: 'the inbox to be worked' },
    );
  }

  /** Waits until nothing is on its way to a channel. */
  async shown(channelId: string): Promise<void> {
    await waitFor(
      async () => {
        const path = `/api/channels/${channelId}/listings`;
        const { items } = (await this.api('GET', path)) as {
          items: { pending: boolean; publishedVersion: number }[];
        };
        return items.every((listing) => !listing.pending && listing.publishedVersion > 0);
      },
      { what: `${channelId} to show what there is` },
    );
  }

  /** How many webhooks of a channel ended how. */
  async ends(channelId: string): Promise<Readonly<Record<string, number>>> {
    const { rows } = await this.inspector.query<{ status: string; count: number }>(
      `select status, count(*)::integer as count from inbox_webhook where channel_id = $1
       group by status`,
      [channelId],
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
