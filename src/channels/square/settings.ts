import { z } from 'zod';
import { urlSetting } from '../../url-setting.ts';
import type { AdapterContext } from '../adapter.ts';

/** The version of the API that the requests are written for. */
export const apiVersion = '2025-08-20';

const productionUrl = 'https://connect.squareup.com';

export type SquareConfig = {
  /** Instead of Square's own host, such as that of its sandbox. */
  readonly baseUrl?: string | undefined;
  /** Where Square sends webhooks, letter by letter as it was told: it is part of what is signed. */
  readonly notificationUrl?: string | undefined;
};

export type SquareCredentials = {
  readonly accessToken: string;
  /** That of the webhook subscription; while it is being changed the new one and the old. */
  readonly webhookSignatureKey?: string | readonly string[] | undefined;
};

export type SquareContext = AdapterContext<SquareConfig, SquareCredentials>;

/** A variation of an item, at one location. */
export type SquareIds = { readonly catalogObjectId: string; readonly locationId: string };

const secret = z
  .string()
  .regex(/^[\x21-\x7e]{1,1024}$/, { error: 'up to 1,024 visible characters' });
const id = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, { error: 'an id that Square gave' });

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<SquareConfig> {
  return z.strictObject({
    baseUrl: urlSetting(allowPrivateAddresses).optional(),
    // It is never called.
    notificationUrl: z
      .url({ protocol: /^https?$/ })
      .max(2_048)
      .optional(),
  });
}

export const credentialsSchema: z.ZodType<SquareCredentials> = z.strictObject({
  accessToken: secret,
  webhookSignatureKey: z.union([secret, z.array(secret).min(1).max(4)]).optional(),
});

export const externalIdsSchema: z.ZodType<SquareIds> = z.strictObject({
  catalogObjectId: id,
  locationId: id,
});

/** The ids of a listing; undefined where it has none that Square could know. */
export function idsOf(externalIds: unknown): SquareIds | undefined {
  return externalIdsSchema.safeParse(externalIds).data;
}

/** One text for what a seller has at one location. */
export function keyOfIds({ catalogObjectId, locationId }: SquareIds): string {
  return `${catalogObjectId} ${locationId}`;
}

export function addressOf({ baseUrl }: SquareConfig): string {
  return (baseUrl ?? productionUrl).replace(/\/+$/, '');
}
