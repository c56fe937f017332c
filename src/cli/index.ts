export { processIo } from './process-io.ts';
export { runCommandLine } from './run.ts';
