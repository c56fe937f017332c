import type { Pool } from 'pg';
import { createTestDatabase } from '../support/database.ts';
import { ChannelServer, connectChannel } from '../support/delivery/index.ts';
import { createPool } from '../support/patient-pool.ts';
import { hasEnded, startService, type Service } from '../support/service.ts';

const modes = ['latest', 'every'] as const;

export type SceneOptions = {
  /** The database; by default a clone of the run's template, which is dropped in the end. */
  readonly databaseUrl?: string;
  /** Another way to it for the services: a proxy in front of it. */
  readonly through?: (databaseUrl: string) => Promise<string>;
  readonly env?: Readonly<Record<string, string>>;
  /** For `onhand serve`. */
  readonly flags?: readonly string[];
};

/** Two services on one database, and two webhook channels that get everything. */
export type Scene = {
  readonly databaseUrl: string;
  /** The services' environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads the database, past any proxy. */
  readonly inspector: Pool;
  readonly channels: readonly SceneChannel[];
  /** The service in one of the two places: 0 or 1. */
  service(place: number): Service;
  /** URLs of the services that run. */
  targets(): readonly string[];
  /** Puts a new service in a place; the one that was there is killed if it still runs. */
  replace(place: number, env?: Readonly<Record<string, string>>): Promise<Service>;
  close(): Promise<void>;
};

export type SceneChannel = {
  readonly server: ChannelServer;
  readonly mode: (typeof modes)[number];
  readonly channelId: string;
};

/** Opens a scene; its caller closes it. */
export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const endings: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of endings.splice(0).toReversed()) await end();
  };
  try {
    return await build(options, endings, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  options: SceneOptions,
  endings: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Scene> {
  const databaseUrl = options.databaseUrl ?? (await cloneDatabase(endings));
  const throughUrl = (await options.through?.(databaseUrl)) ?? databaseUrl;
  const inspector = createPool({ connectionString: databaseUrl, applicationName: 'inspector' });
  endings.push(() => inspector.end());
  const env = {
    DATABASE_URL: throughUrl,
    ENCRYPTION_KEY: '11'.repeat(32),
    RETRY_BASE_MS: '20',
    ...options.env,
  };
  const services: Service[] = [];
  const start = async (place: number, more = {}): Promise<Service> => {
    const service = await startService({ ...env, ...more }, options.flags);
    services[place] = service;
    return service;
  };
  endings.push(() => Promise.all(services.map((service) => service.stop())));
  // Both at once, as after a power cut.
  const started = await Promise.allSettled([start(0), start(1)]);
  for (const result of started) if (result.status === 'rejected') throw result.reason;
  const service = (place: number): Service => {
    const found = services[place];
    if (found === undefined) throw new Error(`there is no service ${place}`);
    return found;
  };
  const channels: SceneChannel[] = [];
  for (const mode of modes) {
    const server = await ChannelServer.start();
    endings.push(() => server.close());
    await connectChannel(service(0), server, mode, { mode });
    channels.push({ server, mode, channelId: mode });
  }
  return {
    databaseUrl,
    env,
    inspector,
    channels,
    service,
    targets: () => services.filter((one) => !hasEnded(one.process)).map(({ url }) => url),
    async replace(place, more) {
      await services[place]?.kill();
      return await start(place, more);
    },
    close,
  };
}

async function cloneDatabase(endings: (() => Promise<unknown>)[]): Promise<string> {
  const database = await createTestDatabase();
  endings.push(() => database.drop());
  return database.connectionString;
}
