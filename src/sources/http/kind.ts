import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { urlSetting } from '../../url-setting.ts';
import type { SourceKind } from '../source.ts';
import { readFeed } from './read-feed.ts';

const headerName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: 'a header name' });
const headerValue = z.string().regex(/^[\u0020-\u007e]{0,1024}$/, { error: 'a header value' });

export type FeedConfig = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};
export type FeedCredentials = { readonly bearer: string } | undefined;

/** The HTTP delta feed: pages of items behind an opaque cursor. */
export function createHttpKind(client: HttpClient): SourceKind<FeedConfig, FeedCredentials> {
  return {
    kind: 'http',
    modes: ['delta', 'full'],
    configSchema: z.strictObject({
      url: urlSetting(client.allowPrivateAddresses),
      headers: z.record(headerName, headerValue).optional(),
    }),
    credentialsSchema: z
      .strictObject({ bearer: z.string().regex(/^[!-~]{1,4096}$/, { error: 'a bearer token' }) })
      .optional(),
    credentialsGoTo: ({ url }) => [url],
    open: ({ config, credentials }) => ({
      changesSince: (watermark, options) =>
        readFeed(client, { config, credentials, watermark, snapshot: false }, options),
      snapshot: (cursor, options) =>
        readFeed(client, { config, credentials, watermark: cursor, snapshot: true }, options),
    }),
  };
}
