import { z } from 'zod';
import { urlProblem, type HttpClient } from '../../outgoing-http.ts';
import { onDemand, type SourceKind } from '../source.ts';
import { openCounts } from './read-counts.ts';

const configSchema = (client: HttpClient) =>
  z.strictObject({
    baseUrl: z
      .string()
      .max(2_048)
      .superRefine((url, issues) => {
        const problem = urlProblem(url, client.allowPrivateAddresses);
        if (problem !== undefined) issues.addIssue({ code: 'custom', message: problem });
      })
      .default('https://connect.squareup.com'),
    /** Our store id for each Square location that is read. */
    locations: z.record(z.string().min(1), z.string().min(1).max(128)),
    /** Counts that appear late lie so far behind the newest at most. */
    overlapSeconds: z.number().min(0).max(86_400).default(60),
    onDemand,
  });

export type SquareConfig = z.infer<ReturnType<typeof configSchema>>;
export type SquareCredentials = { readonly accessToken: string };

/** What Square counts as in stock, as on hand. */
export function createSquareKind(client: HttpClient): SourceKind<SquareConfig, SquareCredentials> {
  return {
    kind: 'square',
    modes: ['delta', 'full'],
    configSchema: configSchema(client),
    credentialsSchema: z.strictObject({
      accessToken: z.string().regex(/^[!-~]{1,4096}$/, { error: 'an access token' }),
    }),
    credentialsGoTo: ({ baseUrl }) => [baseUrl],
    open: ({ config, credentials }) => openCounts(client, config, credentials),
  };
}
