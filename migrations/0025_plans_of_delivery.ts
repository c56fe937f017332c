import type { Kysely } from 'kysely';
import { loadSql } from './load-sql.ts';

/** What delivery does with many listings at once takes time in proportion to their number. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await loadSql(db, [
    'functions/listing_mark.sql',
    'functions/delivery_read.sql',
    'functions/listing_sweep.sql',
    'functions/listing_record.sql',
    'functions/listing_wait.sql',
    'functions/listing_observe.sql',
    'functions/listing_requested.sql',
    'functions/listing_move.sql',
  ]);
}
