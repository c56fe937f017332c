import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { urlSetting } from '../../url-setting.ts';
import { reportedQuantities, type SourceKind } from '../source.ts';
import { openCsv } from './read-csv.ts';

export type CsvConfig = {
  /** Inside the feed folder. */
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  /** Absent: what separates the names in the first line. */
  readonly delimiter?: string | undefined;
  /** The file's names of an item's fields, where they differ. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
  readonly storeId?: string | undefined;
  readonly quantity?: (typeof reportedQuantities)[number] | undefined;
};
export type CsvCredentials = { readonly bearer: string } | undefined;
export type CsvOptions = { readonly http: HttpClient; readonly feedFolder: string };

/** A CSV file, from the merchant's feed folder or from a URL: of what changed, or of everything. */
export function createCsvKind(options: {
  readonly http: HttpClient;
  readonly feedFolderOf: (merchantId: string) => string;
}): SourceKind<CsvConfig, CsvCredentials> {
  const { http, feedFolderOf } = options;
  return {
    kind: 'csv',
    modes: ['delta', 'full'],
    // Once it is read its pages cost nothing, and between small ones shoppers wait less.
    batchSize: 50,
    configSchema: z
      .strictObject({
        path: z
          .string()
          .max(512)
          .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\p{Cc}\\]+$/u, {
            error: 'a path inside the feed folder',
          })
          .optional(),
        url: urlSetting(http.allowPrivateAddresses).optional(),
        delimiter: z.string().length(1).optional(),
        columns: z.record(z.string(), z.string().max(255)).optional(),
        storeId: z.string().min(1).max(128).optional(),
        quantity: z.enum(reportedQuantities).optional(),
      })
      .refine(({ path, url }) => (path === undefined) !== (url === undefined), {
        error: 'either path or url',
      }),
    credentialsSchema: z
      .strictObject({ bearer: z.string().regex(/^[!-~]{1,4096}$/, { error: 'a bearer token' }) })
      .optional(),
    credentialsGoTo: ({ url }) => (url === undefined ? [] : [url]),
    open: ({ merchantId, config, credentials }) =>
      openCsv(config, credentials, { http, feedFolder: feedFolderOf(merchantId) }),
  };
}
