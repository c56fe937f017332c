export type { Services } from './context.ts';
export { startHttpServer } from './server.ts';
export type { HttpFace } from './server.ts';
