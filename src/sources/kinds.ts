import { createHttpClient } from '../outgoing-http.ts';
import { createCsvKind } from './csv/kind.ts';
import { createHttpKind } from './http/kind.ts';
import { createOdooKind } from './odoo/kind.ts';
import { pushKind } from './push/kind.ts';
import { createShopifyKind } from './shopify/kind.ts';
import { createSqlKind } from './sql/kind.ts';
import { createSquareKind } from './square/kind.ts';
import type { SourceKind, SourceKinds } from './source.ts';

export type KindOptions = {
  /** Whether sources may be at private, loopback or link-local addresses, and without TLS. */
  readonly allowPrivateAddresses: boolean;
  /** Where a merchant's CSV files lie that are read from disk; absolute, and nobody else's. */
  readonly feedFolderOf: (merchantId: string) => string;
};

/** Every kind of source of this program: a new one is one line here. */
export function createSourceKinds(options: KindOptions): SourceKinds {
  const { allowPrivateAddresses, feedFolderOf } = options;
  const http = createHttpClient({ allowPrivateAddresses, answerLimitBytes: 64 * 1024 * 1024 });
  const kinds: readonly SourceKind[] = [
    { ...createHttpKind(http), close: () => http.close() },
    createSqlKind({ allowPrivateAddresses }),
    createCsvKind({ http, feedFolderOf }),
    createOdooKind(http),
    createShopifyKind(http),
    createSquareKind(http),
    pushKind,
  ];
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}

/** Closes the connections of all kinds. */
export async function closeSourceKinds(kinds: SourceKinds): Promise<void> {
  await Promise.allSettled([...kinds.values()].map(async (kind) => kind.close?.()));
}
