export { AskingPlaces } from './asking-places.ts';
export { countInbox, listInbox, pruneInbox, replayWebhook } from './list-inbox.ts';
export type { InboxView } from './list-inbox.ts';
export {
  answerQuestion,
  countQuestions,
  listOpenQuestions,
  retryQuestions,
} from './open-questions.ts';
export type { OpenQuestion } from './open-questions.ts';
export { receiveWebhook } from './receive-webhook.ts';
export type { Receipt, ReceiveContext } from './receive-webhook.ts';
export type { WebhookStatus } from './tables.ts';
export { workInbox } from './work-inbox.ts';
export type { InboxContext } from './work-inbox.ts';
