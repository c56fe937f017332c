import { expect, test } from 'vitest';
import { signWebhook } from '../../src/channels/webhook/signature.ts';
import { runCommandLine } from '../../src/cli/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { sink } from './run.ts';

const secret = `whsec_${Buffer.from('a secret of the shop').toString('base64')}`;

test('listen shows how to register it, prints what comes, and ends when told to', async () => {
  const stop = new AbortController();
  let stdout = '';
  let stderr = '';
  const ended = runCommandLine(['listen', '--port', '0', '--secret', secret], {
    stdout: sink((text) => (stdout += text)),
    stderr: sink((text) => (stderr += text)),
    isTerminal: false,
    stopSignal: () => stop.signal,
  });
  const url = await waitFor(() => /listening on (\S+)/.exec(stderr)?.[1], { what: 'its address' });
  expect(stderr).toContain('curl -X PUT http://127.0.0.1:3000/api/channels/listener');
  expect(stderr).toContain(JSON.stringify({ secret }));

  const send = async (id: string, available: number, version: number): Promise<number> => {
    const change = { storeId: 'main', sku: 'lamp', available, onHand: 9, version };
    const recordedAt = '2026-11-21T00:00:00.000Z';
    const data = { channelId: 'listener', changes: [{ ...change, recordedAt }] };
    const body = JSON.stringify({ type: 'stock.level.changed', timestamp: recordedAt, data });
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signWebhook(secret, id, timestamp, body),
    };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };
  expect(await send('msg_1', 8, 1)).toBe(204);
  expect(await send('msg_2', 7, 2)).toBe(204);
  expect(stdout).toBe(
    'main lamp  8 available, 9 on hand  v1\nmain lamp  8 → 7 available, 9 on hand  v2\n',
  );
  stop.abort();
  expect(await ended).toBe(0);
  expect(stderr).toContain('2 messages, 1 stock levels');
});
