import { z } from 'zod';
import { failed, type SourceKind } from '../source.ts';

export type PushCredentials = { readonly secret: string } | undefined;

/** A source that tells us by itself, with a key of ours or signed with the secret we share. */
export const pushKind: SourceKind<Record<string, never>, PushCredentials> = {
  kind: 'push',
  modes: [],
  configSchema: z.strictObject({}),
  credentialsSchema: z
    .strictObject({
      secret: z.string().regex(/^whsec_(?:[A-Za-z0-9+/]{4}){5,21}[A-Za-z0-9+/]{2,4}={0,2}$/, {
        error: 'whsec_ and 16 to 64 random bytes in base64',
      }),
    })
    .optional(),
  credentialsGoTo: () => [],
  open: () => ({ changesSince: () => Promise.resolve(failed('push_only')) }),
};
