import { randomUUID } from 'node:crypto';

/** An answer of the service, whatever its status. */
export type Answer<Body> = { readonly status: number; readonly body: Body };

/** Calls the service's API as any program of the merchant's does. */
export type Api = {
  readonly url: string;
  /** One request; changes have an idempotency key of their own. */
  call<Body>(method: string, path: string, body?: unknown): Promise<Answer<Body>>;
  /** The same, and rejects unless the answer is a 2xx. */
  need<Body>(method: string, path: string, body?: unknown): Promise<Body>;
};

export function openApi(url: string, key: string): Api {
  const call = async <Body>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer<Body>> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Body };
  };
  return {
    url,
    call,
    async need<Body>(method: string, path: string, body?: unknown): Promise<Body> {
      const answer = await call<Body>(method, path, body);
      if (answer.status < 300) return answer.body;
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    },
  };
}
