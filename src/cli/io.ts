/** Where a command writes, so that tests can read it. */
export type CommandIo = {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Whether a person watches stderr: progress moves then. */
  readonly isTerminal: boolean;
  /** The settings' variables; this process's own when absent. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * For a command that ends cleanly when it is told to stop (Ctrl-C): from this call on the first
   * signal only aborts, the second ends the process.
   */
  readonly stopSignal: () => AbortSignal;
};

/** Writes a line of the command's output. */
export function print(io: CommandIo, line = ''): void {
  io.stdout.write(`${line}\n`);
}

/** Writes data for programs. */
export function printJson(io: CommandIo, data: unknown): void {
  io.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
}

/** Writes a line for people that is no output: a remark, a warning. */
export function remark(io: CommandIo, line: string): void {
  io.stderr.write(`${line}\n`);
}
