import type { Pool } from 'pg';
import type { ChannelServer } from '../../jobs/channel-server.ts';
import type { Service } from '../service.ts';
import { waitFor } from '../wait-for.ts';

/** Makes a webhook channel of every level that calls the server, and lets it know the secret. */
export async function connectChannel(
  service: Pick<Service, 'call'>,
  server: ChannelServer,
  channelId: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const response = await service.call('PUT', `/api/channels/${channelId}`, {
    kind: 'webhook',
    config: { url: server.url },
    maxAttempts: 1_000,
    timeoutMs: 1_000,
    ...settings,
  });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  const { credentials } = (await response.json()) as { credentials: { secret: string } };
  server.secret = credentials.secret;
}

/**
 * Waits until nothing is on its way to any channel: no message is in the outbox, no listing is due,
 * and no hold has ended without the ledger saying so.
 */
export async function settled(inspector: Pool, timeoutMs = 60_000): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await inspector.query<{ open: number }>(
        `select (select count(*) from outbox_message)
           + (select count(*) from reservation where status = 'active'
                and expires_at < now() + interval '10 seconds')
           + (select count(*) from channel where backfill is not null and enabled)
           + (select count(*) from listing where state <> 'idle')
           + (select count(*) from stock_level s join channel c using (merchant_id)
              left join listing l on l.merchant_id = s.merchant_id and l.sku = s.sku
                and l.location_id = s.location_id and l.channel_id = c.channel_id
              where c.enabled and c.selects_all and c.select_skus is null
                and coalesce(l.published_version, 0) < s.version) as open`,
      );
      return Number(rows[0]?.open) === 0;
    },
    { what: 'deliveries to settle', timeoutMs },
  );
}
