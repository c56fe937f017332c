import { z } from 'zod';
import type { HttpClient } from '../../outgoing-http.ts';
import { retryAfterMs } from '../../retry-after.ts';
import type { OdooConfig, OdooCredentials } from './kind.ts';

export class OdooFailed extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(code: string, retryAfter?: number) {
    super(code);
    this.code = code;
    this.retryAfterMs = retryAfter;
  }
}

export type OdooSearch = {
  readonly model: 'stock.quant' | 'product.product';
  readonly domain: readonly unknown[];
  readonly fields: readonly string[];
  readonly order: string;
  readonly limit: number;
};

/** Asks for records over the JSON-2 API. */
export type SearchOdoo = <T>(search: OdooSearch, record: z.ZodType<T>) => Promise<readonly T[]>;

export function searchOdoo(
  client: HttpClient,
  config: OdooConfig,
  credentials: OdooCredentials,
  signal: AbortSignal,
): SearchOdoo {
  return async ({ model, ...search }, record) => {
    const answer = await client.request({
      method: 'POST',
      url: new URL(`/json/2/${model}/search_read`, config.baseUrl).href,
      headers: {
        authorization: `bearer ${credentials.apiKey}`,
        'content-type': 'application/json',
        'user-agent': 'onhand',
        'x-odoo-database': config.database,
      },
      body: JSON.stringify(search),
      signal,
    });
    if (!answer.ok) throw new OdooFailed(answer.code);
    if (answer.status !== 200) {
      const isAsking = answer.status === 429 || answer.status === 503;
      const wait = isAsking ? retryAfterMs(answer.headers['retry-after'], new Date()) : undefined;
      throw new OdooFailed(`http_${answer.status}`, wait);
    }
    try {
      return z.array(record).parse(JSON.parse(answer.text));
    } catch (cause) {
      throw new OdooFailed(cause instanceof z.ZodError ? 'invalid_record' : 'invalid_response');
    }
  };
}
