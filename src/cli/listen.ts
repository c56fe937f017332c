import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { levelKey, startWebhookListener } from '../listen/index.ts';
import { exitCode } from './exit-code.ts';
import { print, remark, type CommandIo } from './io.ts';

export type ListenCommandOptions = {
  readonly port: number;
  readonly host: string;
  readonly secret?: string | undefined;
  readonly failEvery?: number | undefined;
  readonly json: boolean;
};

/** `onhand listen`: a receiver of our webhooks that prints each change, until it is stopped. */
export async function listen(io: CommandIo, options: ListenCommandOptions): Promise<number> {
  const signal = io.stopSignal();
  const secret = options.secret ?? `whsec_${randomBytes(32).toString('base64')}`;
  const before = new Map<string, number>();
  const listener = await startWebhookListener({
    port: options.port,
    host: options.host,
    secret,
    ...(options.failEvery === undefined ? {} : { failEvery: options.failEvery }),
    onChange: (change, { channelId }) => {
      if (options.json) {
        print(io, JSON.stringify({ channelId, ...change }));
        return;
      }
      const key = levelKey(change.storeId, change.sku);
      const was = before.get(key);
      before.set(key, change.available);
      const from = was === undefined ? '' : `${was} → `;
      const { storeId, sku, available, onHand, version } = change;
      print(io, `${storeId} ${sku}  ${from}${available} available, ${onHand} on hand  v${version}`);
    },
    onRejected: ({ code, detail }) => remark(io, `rejected: ${code}: ${detail}`),
  });
  remark(io, instructions(listener.url, secret));
  if (!signal.aborted) await once(signal, 'abort');
  await listener.close();
  remark(io, `${listener.received} messages, ${listener.levels.size} stock levels`);
  return exitCode.ok;
}

function instructions(url: string, secret: string): string {
  const channel = { kind: 'webhook', config: { url }, credentials: { secret } };
  return [
    `listening on ${url} (Ctrl-C ends it). Make it a channel of a service:`,
    '',
    '  curl -X PUT http://127.0.0.1:3000/api/channels/listener \\',
    '    -H "Authorization: Bearer $ADMIN_API_KEY" -H "Content-Type: application/json" \\',
    `    -d '${JSON.stringify(channel)}'`,
    '',
  ].join('\n');
}
