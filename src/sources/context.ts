import type { Clock } from '../clock.ts';
import type { Db } from '../db/index.ts';
import type { SecretBox } from '../encryption.ts';
import type { TogetherOptions } from '../stock/index.ts';
import type { SourceEvents } from './events.ts';
import type { SourceKinds } from './source.ts';

/** How sources are read that say nothing else themselves. */
export type SourceSettings = {
  readonly intervalMinutes: number;
  readonly batchSize: number;
  readonly deduplication: boolean;
};

/** What reading sources needs. */
export type SourcesContext = {
  readonly db: Db;
  readonly together: TogetherOptions;
  readonly kinds: SourceKinds;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly settings: SourceSettings;
  readonly events: SourceEvents;
};
