import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Client, type QueryResult } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { formatRows } from '../../src/cli/table.ts';
import { findViolations } from '../support/audit.ts';
import { createTestDatabase } from '../support/database.ts';
import { createPool } from '../support/patient-pool.ts';

const folder = new URL('../../sql/stories/', import.meta.url);
const stories = readdirSync(folder)
  .filter((name) => name.endsWith('.sql') && name !== 'setup.sql')
  .map((name) => name.replace(/\.sql$/, ''));

function readStory(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8');
}

/** The statements of a story, each with the comment above it. */
function statementsOf(story: string): string[] {
  return story
    .split(/(?<=;)\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function commentOf(statement: string): string {
  return statement
    .split('\n')
    .filter((line) => line.startsWith('--') || line === '')
    .join('\n')
    .trim();
}

function noRows(command: string, rowCount: number | null): string {
  return command === 'SELECT' ? '(no rows)' : `${command} ${rowCount ?? 0}`;
}

/** What a reader sees who runs the story: each question and its answer. */
async function tell(story: string): Promise<string> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const client = new Client({ connectionString: database.connectionString });
  await client.connect();
  try {
    await client.query(readStory('setup.sql'));
    const told: string[] = [];
    for (const statement of statementsOf(story)) {
      const result: QueryResult<Record<string, unknown>> = await client.query(statement);
      const { command, rows, rowCount } = result;
      const answer = rows.length > 0 ? formatRows(rows) : noRows(command, rowCount);
      told.push([commentOf(statement), answer].filter((part) => part !== '').join('\n'));
    }
    return `${told.join('\n\n')}\n`;
  } finally {
    await client.end();
  }
}

test('the day that the stories tell of could have been: no view shows a fault', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const pool = createPool({ connectionString: database.connectionString });
  onTestFinished(() => pool.end());
  await pool.query(readStory('setup.sql'));
  expect(await findViolations(pool)).toEqual({});
});

test('there are stories', () => {
  expect(stories).toEqual([
    'does_the_ledger_add_up',
    'what_was_on_hand_at_noon',
    'who_sold_the_last_one',
  ]);
});

// To record new output: UPDATE_STORIES=1 npx vitest run test/audit/stories.test.ts
test.each(stories)('the story %s ends as it is recorded', async (name) => {
  const told = await tell(readStory(`${name}.sql`));
  if (process.env['UPDATE_STORIES'] === '1') writeFileSync(new URL(`${name}.out`, folder), told);
  expect(told).toBe(readStory(`${name}.out`));
});
