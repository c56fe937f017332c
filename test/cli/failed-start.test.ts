import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

test('a start that fails says what to do and leaves nothing running', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  const child = spawn(process.execPath, [main, 'serve'], {
    env: {
      ...process.env,
      NODE_ENV: 'test',
      DATABASE_URL: database.connectionString,
      ENCRYPTION_KEY: '00'.repeat(32),
      HOST: '127.0.0.1',
      PORT: port,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // It ends by itself: the workers, which ran already, hold nobody up.
  const [code] = await once(child, 'close');
  expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}: choose another address`);
  expect(code).toBe(2);
});
