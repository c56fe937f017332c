export { levelKey, startWebhookListener } from './webhook-listener.ts';
export type { ListenerOptions, WebhookListener } from './webhook-listener.ts';
export type { ReceivedChange, ReceivedMessage } from './message.ts';
