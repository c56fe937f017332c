import type { EmulatedHook, StoreState } from './state.ts';
import { pingWebhook, signedWebhook, type SignedWebhook } from './webhooks.ts';

/** After more failures in a row than this a webhook is disabled. */
const mostFailures = 5;

/**
 * Makes a webhook: its URL is told so by a ping, and has to answer 200. Refused: undefined.
 */
export async function createHook(
  state: StoreState,
  hook: Pick<EmulatedHook, 'topic' | 'deliveryUrl' | 'secret'>,
): Promise<EmulatedHook | undefined> {
  state.lastId += 1;
  const created: EmulatedHook = { ...hook, id: state.lastId, status: 'active', failures: 0 };
  if ((await post(hook.deliveryUrl, pingWebhook(created.id))) !== 200) return undefined;
  state.hooks.push(created);
  return created;
}

/**
 * Sends a payload to the webhooks of a topic, once: what fails is not sent again, and a webhook
 * that fails too often in a row is disabled.
 */
export async function deliver(state: StoreState, topic: string, payload: unknown): Promise<void> {
  const hooks = state.hooks.filter((hook) => hook.topic === topic && hook.status === 'active');
  for (const hook of hooks) {
    const { secret, id: hookId } = hook;
    const webhook = signedWebhook(payload, { topic, secret, hookId, sentAt: new Date() });
    const status = await post(hook.deliveryUrl, webhook);
    const isTaken = (status >= 200 && status < 300) || status === 301 || status === 302;
    hook.failures = isTaken ? 0 : hook.failures + 1;
    if (hook.failures > mostFailures) hook.status = 'disabled';
  }
}

async function post(url: string, { headers, body }: SignedWebhook): Promise<number> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
      redirect: 'manual',
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
