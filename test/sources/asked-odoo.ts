import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type AskedOdoo = {
  readonly url: string;
  /** What each product has at location 8, by its code. */
  readonly stock: Map<string, { quantity: number; at: Date }>;
  /** How often a code was looked for. */
  timesAsked(code: string): number;
  /** Answers wait until it resolves. */
  gate: Promise<void>;
  /** Answered instead of anything else. */
  status: number | undefined;
  close(): Promise<void>;
};

/** The part of an Odoo that is asked for single products, on a real socket. */
export async function startAskedOdoo(): Promise<AskedOdoo> {
  const searches: string[] = [];
  const stock: AskedOdoo['stock'] = new Map();
  const answer = (path: string, domain: string): unknown[] => {
    const products = [...stock].map(([code, figure], index) => ({
      code,
      id: index + 1,
      ...figure,
    }));
    if (path.includes('product.product')) {
      const wanted = products.filter(({ code }) => domain.includes(JSON.stringify(code)));
      return (domain.includes('default_code') ? wanted : products).map(({ code, id }) => ({
        id,
        default_code: code,
        write_date: '2026-11-01 00:00:00',
      }));
    }
    return products.map(({ code, id, quantity, at }) => ({
      id,
      product_id: [id, code],
      location_id: [8, 'WH/Stock'],
      quantity,
      reserved_quantity: 0,
      write_date: at.toISOString().slice(0, 19).replace('T', ' '),
    }));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { domain } = JSON.parse(Buffer.concat(chunks).toString()) as { domain: unknown };
      const text = JSON.stringify(domain);
      if (text.includes('default_code')) searches.push(text);
      void odoo.gate.then(() => {
        const body = JSON.stringify(answer(request.url ?? '', text));
        response.writeHead(odoo.status ?? 200, { 'content-type': 'application/json' }).end(body);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const odoo: AskedOdoo = {
    url: `http://127.0.0.1:${port}`,
    stock,
    timesAsked: (code) => searches.filter((text) => text.includes(JSON.stringify(code))).length,
    gate: Promise.resolve(),
    status: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return odoo;
}
