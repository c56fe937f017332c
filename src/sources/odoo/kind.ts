import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { urlSetting } from '../../url-setting.ts';
import { onDemand, type SourceKind } from '../source.ts';
import { openQuants } from './read-quants.ts';

const configSchema = (client: HttpClient) =>
  z.strictObject({
    baseUrl: urlSetting(client.allowPrivateAddresses),
    database: z.string().regex(/^[\w.-]{1,128}$/, { error: 'the name of a database' }),
    /** Our store id for each location of Odoo (its number) that is read. */
    locations: z.record(
      z.string().regex(/^\d{1,10}$/, { error: "a location's number" }),
      z.string().min(1).max(128),
    ),
    quantities: z
      .array(z.enum(['onHand', 'allocated']))
      .min(1)
      .default(['onHand']),
    /** Rows that were committed late lie so far behind the newest at most. */
    overlapSeconds: z.number().min(0).max(86_400).default(60),
    onDemand,
  });

export type OdooConfig = z.infer<ReturnType<typeof configSchema>>;
export type OdooCredentials = { readonly apiKey: string };

/** What Odoo's quants add up to: on hand, and what it has reserved as allocated. */
export function createOdooKind(client: HttpClient): SourceKind<OdooConfig, OdooCredentials> {
  return {
    kind: 'odoo',
    modes: ['delta', 'full'],
    configSchema: configSchema(client),
    credentialsSchema: z.strictObject({
      apiKey: z.string().regex(/^[!-~]{1,4096}$/, { error: 'an API key' }),
    }),
    credentialsGoTo: ({ baseUrl }) => [baseUrl],
    open: ({ config, credentials }) => openQuants(client, config, credentials),
  };
}
