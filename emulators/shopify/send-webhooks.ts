import { forged, type SignedWebhook } from './webhooks.ts';

export type SendPlan = {
  /** How often each real one is sent. Default 1. */
  readonly copies?: number;
  /** So many forged ones are sent for each real one: 0 to 1. */
  readonly forgedShare?: number;
  /** Sends in another order, the same for the same seed. Absent: in the order given. */
  readonly shuffleSeed?: number;
};

export type SentWebhook = {
  readonly webhook: SignedWebhook;
  readonly isForged: boolean;
  /** The answer of the last try; undefined: there was none. */
  readonly status: number | undefined;
  readonly tries: number;
};

/** Shopify tries a delivery again so often, over four hours; here at once. */
const retries = 8;

/**
 * Sends webhooks to a URL one after the other, with duplicates, forgeries and out of order as
 * planned. What is not answered 2xx is sent again, as it was; forged ones once.
 */
export async function sendWebhooks(
  url: string,
  webhooks: readonly SignedWebhook[],
  plan: SendPlan = {},
): Promise<readonly SentWebhook[]> {
  const { copies = 1, forgedShare = 0, shuffleSeed } = plan;
  const real = webhooks.flatMap((webhook) =>
    Array.from({ length: copies }, () => ({ webhook, isForged: false })),
  );
  const count = Math.round(webhooks.length * forgedShare);
  const fakes = webhooks.slice(0, count).map((webhook) => {
    return { webhook: forged(webhook), isForged: true };
  });
  const all = [...real, ...fakes];
  const sent: SentWebhook[] = [];
  for (const one of shuffleSeed === undefined ? all : shuffled(all, shuffleSeed)) {
    sent.push({ ...one, ...(await deliver(url, one.webhook, one.isForged ? 0 : retries)) });
  }
  return sent;
}

async function deliver(
  url: string,
  { headers, body }: SignedWebhook,
  most: number,
): Promise<{ readonly status: number | undefined; readonly tries: number }> {
  for (let tries = 1; ; tries += 1) {
    const status = await post(url, headers, body);
    const isTaken = status !== undefined && status >= 200 && status < 300;
    if (isTaken || tries > most) return { status, tries };
  }
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<number | undefined> {
  try {
    const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}

/** Gives each a number of a small seeded generator and sorts by it. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const keyed = items.map((item) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return { item, key: state };
  });
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
