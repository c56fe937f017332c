import { z } from 'zod';
import { urlSetting } from '../../url-setting.ts';
import type { AdapterContext } from '../adapter.ts';

export type WooConfig = {
  /** The shop's address, with the folder that WordPress is in. */
  readonly baseUrl: string;
};

export type WooCredentials = {
  readonly consumerKey: string;
  readonly consumerSecret: string;
  /** That of the shop's webhooks; while it is being changed the new one and the old. */
  readonly webhookSecret?: string | readonly string[] | undefined;
};

export type WooContext = AdapterContext<WooConfig, WooCredentials>;

/** A product, or one variation of a product. */
export type WooIds = { readonly productId: number; readonly variationId?: number | undefined };

const secret = z.string().regex(/^[\x21-\x7e]{1,256}$/, { error: '1 to 256 visible characters' });
const id = z.union(
  [
    z.int().min(1),
    z
      .string()
      .regex(/^[1-9]\d{0,14}$/)
      .transform(Number),
  ],
  { error: 'a number that WooCommerce gave' },
);

export function configSchema(allowPrivateAddresses: boolean): z.ZodType<WooConfig> {
  return z.strictObject({
    baseUrl: urlSetting(allowPrivateAddresses),
  });
}

export const credentialsSchema: z.ZodType<WooCredentials> = z.strictObject({
  // A colon would end the name in the header that carries both.
  consumerKey: secret.refine((key) => !key.includes(':'), { error: 'a key without a colon' }),
  consumerSecret: secret,
  webhookSecret: z.union([secret, z.array(secret).min(1).max(4)]).optional(),
});

export const externalIdsSchema: z.ZodType<WooIds> = z.strictObject({
  productId: id,
  variationId: id.optional(),
});

/** The ids of a listing; undefined where it has none that WooCommerce could know. */
export function idsOf(externalIds: unknown): WooIds | undefined {
  return externalIdsSchema.safeParse(externalIds).data;
}

/** Products and variations are numbered together: the number alone says which it is. */
export function keyOfIds({ productId, variationId }: WooIds): string {
  return String(variationId ?? productId);
}

/**
 * A line of an order, by all that it may be listed as: the stock of a variation may be counted at
 * its product, whose listing is the product's alone.
 */
export function lineKeyOf({ productId, variationId }: WooIds): string {
  return variationId === undefined ? String(productId) : `${productId}/${variationId}`;
}

/** The variation before its product. */
export function keysOfLine(lineKey: string): readonly string[] {
  return lineKey.split('/').toReversed();
}

export function addressOf({ baseUrl }: WooConfig): string {
  return baseUrl.replace(/\/+$/, '');
}

export function endpointOf(config: WooConfig, path: string): string {
  return `${addressOf(config)}/wp-json/wc/v3/${path}`;
}
