import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseHandle } from '../../src/db/index.ts';
import { hashKey } from '../../src/encryption.ts';
import { Authenticator } from '../../src/http/auth.ts';
import { createKey, ensureAdminKey, revokeKey } from '../../src/merchants/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/patient-pool.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const merchantId = 'default';

test('a key is asked for once in five seconds: so soon a revocation takes effect', async () => {
  let now = 0;
  const { db } = database;
  const authenticator = new Authenticator({ db }, () => now);
  const { key, keyId } = await createKey(db, { merchantId, name: 'till', role: 'member' });
  expect(await authenticator.identify(bearer(key))).toMatchObject({ merchantId, keyId });
  await revokeKey(db, merchantId, keyId);
  now = 4_999;
  const remembered = authenticator.identify(bearer(key));
  expect(remembered).not.toBeInstanceOf(Promise);
  expect(remembered).toMatchObject({ keyId });
  now = 5_001;
  expect(await authenticator.identify(bearer(key))).toMatchObject({ code: 'AUTH.INVALID' });
});

test('a key revoked by this process is asked for anew, also while it is asked for', async () => {
  const { db } = database;
  const authenticator = new Authenticator({ db });
  const { key, keyId } = await createKey(db, { merchantId, name: 'leaver', role: 'member' });
  const underWay = authenticator.identify(bearer(key));
  await revokeKey(db, merchantId, keyId);
  authenticator.forget(keyId);
  await underWay;
  expect(await authenticator.identify(bearer(key))).toMatchObject({ code: 'AUTH.INVALID' });
});

test('a key that is made after it was tried works soon', async () => {
  let now = 0;
  const { db } = database;
  const authenticator = new Authenticator({ db }, () => now);
  const { key, keyId } = await createKey(db, { merchantId, name: 'early', role: 'member' });
  await db.updateTable('api_key').set({ revoked_at: new Date() }).execute();
  expect(await authenticator.identify(bearer(key))).toMatchObject({ code: 'AUTH.INVALID' });
  await db.updateTable('api_key').set({ revoked_at: null }).execute();
  now = 501;
  expect(await authenticator.identify(bearer(key))).toMatchObject({ keyId });
});

test('many at once ask once, and a question that failed is asked again', async () => {
  const { db } = database;
  const { key, keyId } = await createKey(db, { merchantId, name: 'busy', role: 'member' });
  const away = openDatabase({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
  let current = away.db;
  const services = {
    get db() {
      return current;
    },
  };
  const authenticator = new Authenticator(services);
  await expect(authenticator.identify(bearer(key))).rejects.toThrow('ECONNREFUSED');
  current = db;
  const answers = [1, 2, 3].map(async () => authenticator.identify(bearer(key)));
  expect(await Promise.all(answers)).toMatchObject([{ keyId }, { keyId }, { keyId }]);
  await away.close();
});

test('while the environment names the admin key, the one of the first start is none', async () => {
  const { db } = database;
  const key = (await ensureAdminKey(db)) ?? '';
  const { key: own, keyId } = await createKey(db, { merchantId, name: 'till', role: 'member' });
  const before = new Authenticator({ db });
  expect(await before.identify(bearer(key))).toMatchObject({ role: 'root' });
  const after = new Authenticator({ db, adminKeyHash: hashKey('another-admin-key') });
  expect(await after.identify(bearer(key))).toMatchObject({ code: 'AUTH.INVALID' });
  expect(await after.identify(bearer('another-admin-key'))).toMatchObject({ role: 'root' });
  expect(await after.identify(bearer(own))).toMatchObject({ keyId });
});
