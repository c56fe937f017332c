export { newestOfLevel } from './newest-of-level.ts';
export type { ChangedLevel } from './newest-of-level.ts';
export { countMessages } from './count-messages.ts';
export { dropMessages, takeMessages } from './take-messages.ts';
export type { OutboxMessage } from './take-messages.ts';
export type { OutboxMessageTable } from './tables.ts';
