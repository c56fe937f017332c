import type { IncomingMessage } from 'node:http';
import type { Pool } from 'pg';
import type { Adapters } from '../channels/index.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Db } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import type { InboxContext } from '../inbox/index.ts';
import type { Logger } from '../logger.ts';
import type { KeyRole } from '../merchants/index.ts';
import type { Metrics, ReadinessCheck } from '../monitoring/index.ts';
import type { BuffersContext } from '../safety-stock/index.ts';
import type { OnDemand, SourcesContext } from '../sources/index.ts';
import type { LevelReader, StockWriter } from '../stock/index.ts';

/** What HTTP needs of the program; app.ts fills it, tests replace parts of it. */
export type Services = {
  readonly config: Config;
  readonly db: Db;
  /** For prepared reads; statements of several callers share its connections. */
  readonly pool: Pool;
  readonly writer: StockWriter;
  readonly levels: LevelReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly secretBox: SecretBox;
  /** Channels were made, changed or given work: this process's workers look at once. */
  readonly wakeChannels: () => void;
  /** What orders of channels need to be applied. */
  readonly inbox: InboxContext;
  /** A webhook came in: workers look at once. */
  readonly wakeInbox: () => void;
  /** A run of reconciliation was asked for, or a drift approved: workers look at once. */
  readonly wakeReconciliation: () => void;
  /** What reading sources needs. */
  readonly sources: SourcesContext;
  /** A source was made or changed, or a run was asked for: workers look at once. */
  readonly wakeSources: () => void;
  /** Sources that are asked when somebody wants to know. */
  readonly onDemand: OnDemand;
  /** What keeping stock back needs. */
  readonly buffers: BuffersContext;
  /** A rule of safety stock was changed: workers look at once. */
  readonly wakeBuffers: () => void;
  /** How channels of each kind are talked to. */
  readonly adapters: Adapters;
  readonly metrics: Metrics;
  /** `hashKey(ADMIN_API_KEY)`; absent when the environment names none. */
  readonly adminKeyHash?: Buffer | undefined;
  readonly startedAt: Date;
  readonly version: string;
  /** Database, migrations, workers: all must be ready. */
  readonly readiness: readonly ReadinessCheck[];
  /** pg-boss's own pages; absent where no pg-boss runs. */
  readonly dashboard?: { readonly connectionString: string; readonly schema: string } | undefined;
};

/** Whom a request speaks for. */
export type Caller = {
  readonly merchantId: string;
  /**
   * The key's id, or `admin` for ADMIN_API_KEY: the actor of what the request changes. Of who signs
   * instead a name that no key has.
   */
  readonly keyId: string;
  readonly role: KeyRole;
};

/** A request that came signed and without a key: nothing of it is trusted yet. */
export type SignedRequest = {
  /** As the path has them, compared with no contract. */
  readonly params: Readonly<Record<string, string>>;
  /** As it came, empty where there was none. */
  readonly body: Buffer;
  readonly incoming: IncomingMessage;
  readonly services: Services;
};

/** What an operation is called with: everything checked, and the names of the contract. */
export type Call<Params, Query, Body> = {
  readonly requestId: string;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly idempotencyKey: string | undefined;
  /** From `If-Match`: any of these versions, or any at all. */
  readonly ifMatch: readonly number[] | '*' | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly incoming: IncomingMessage;
  readonly services: Services;
  /** What this process remembers of keys. */
  readonly knownKeys: { forget(keyId: string): void };
};
