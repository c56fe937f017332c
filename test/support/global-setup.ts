import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { migrateToLatest } from '../../src/db/index.ts';
import { runOnServer, urlOfDatabase } from './database.ts';
import { startTestServer, type TestServer } from './server.ts';

/** What the test files need to clone a database. */
export type TestDatabases = {
  /** A connection string whose user may create databases. */
  readonly adminUrl: string;
  /** The migrated database that is cloned. */
  readonly template: string;
  /** All names of this run begin with it: another run may use the same server at the same time. */
  readonly prefix: string;
};

declare module 'vitest' {
  // Declaration merging needs an interface.
  export interface ProvidedContext {
    testDatabases: TestDatabases;
  }
}

let server: TestServer | undefined;
const prefix = `onhand_test_${randomBytes(4).toString('hex')}`;
const template = `${prefix}_template`;

/** Runs once before all test files: a Postgres, and in it one migrated template database. */
export async function setup(project: TestProject): Promise<void> {
  try {
    server = await startTestServer();
    const { adminUrl } = server;
    await runOnServer(adminUrl, `create database ${template}`);
    await migrateToLatest(urlOfDatabase(adminUrl, template));
    // Nobody may be connected to what is cloned.
    await runOnServer(adminUrl, `alter database ${template} allow_connections false`);
    project.provide('testDatabases', { adminUrl, template, prefix });
  } catch (error) {
    await teardown();
    throw error;
  }
}

/** Runs once after all test files; drops also what a killed test file left behind. */
export async function teardown(): Promise<void> {
  if (server === undefined) return;
  try {
    const names = await runOnServer(
      server.adminUrl,
      `select datname as name from pg_database where starts_with(datname, '${prefix}')`,
    );
    for (const { name } of names) {
      await runOnServer(server.adminUrl, `drop database if exists ${name} with (force)`);
    }
  } finally {
    await server.stop();
  }
}
