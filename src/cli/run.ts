import { CommanderError } from 'commander';
import { UsageError } from '../errors.ts';
import { exitCode, isDatabaseAway } from './exit-code.ts';
import { remark, type CommandIo } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command and resolves with the exit code; never rejects. */
export async function runCommandLine(args: readonly string[], io: CommandIo): Promise<number> {
  let code: number = exitCode.ok;
  const program = createProgram(io, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, io);
  }
}

/** Says what went wrong, and with which code the process ends. */
function explain(error: unknown, io: CommandIo): number {
  // The library has written its message (or the help that was asked for) already.
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
  if (error instanceof UsageError) {
    remark(io, `onhand: ${error.message}`);
    return exitCode.usage;
  }
  if (isDatabaseAway(error)) {
    remark(io, `onhand: the database cannot be reached: ${reasonOf(error)}`);
    return exitCode.databaseUnavailable;
  }
  remark(io, `onhand: a fault: ${error instanceof Error ? error.stack : String(error)}`);
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) remark(io, `because of: ${cause.stack}`);
  return exitCode.fault;
}

/** The innermost message: that of the driver or the operating system. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}
