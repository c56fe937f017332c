import { openEmbeddedPostgres } from '../../src/db/embedded/index.ts';
import { createLogger } from '../../src/logger.ts';

// A process of its own that uses the embedded Postgres in the folder it is given, tells so in one
// line, and goes on until its standard input ends (then it closes) or it is killed.
const [dataDir = ''] = process.argv.slice(2);
const postgres = await openEmbeddedPostgres({
  dataDir,
  logger: createLogger('silent'),
  extraSettings: { shared_buffers: '16MB' },
});
const { startedHere, connectionString } = postgres;
process.stdout.write(`${JSON.stringify({ startedHere, connectionString })}\n`);
process.stdin.on('end', () => void postgres.close());
process.stdin.resume();
