import { MultiBar } from 'cli-progress';

/** Tells the person at the command line how far a long piece of work is. */
export type Progress = {
  /** `count` more are done; 1 when not given. */
  advance(count?: number): void;
  /** `done` are done altogether. */
  set(done: number): void;
  /** One line for people that stays, such as a row that was refused. */
  note(line: string): void;
  /** Shows the last state and lets go of the terminal; further calls do nothing. */
  stop(): void;
};

type ProgressOptions = {
  /** What is being done, such as `import`. */
  readonly label: string;
  /** How many there are, if that is known. */
  readonly total?: number;
  readonly stream: NodeJS.WritableStream;
  /** Whether a person watches: a bar that moves. Otherwise lines, for a log file. */
  readonly isTerminal: boolean;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
};

const lineEveryMs = 1000;
const lineEveryShare = 0.1;

/** Starts to show progress: a bar on a terminal, a line now and then where there is none. */
export function startProgress(options: ProgressOptions): Progress {
  return options.isTerminal ? startBar(options) : startLines(options);
}

function startBar({ label, total, stream }: ProgressOptions): Progress {
  const format =
    total === undefined
      ? `${label} {value} | {duration_formatted}`
      : `${label} [{bar}] {percentage}% | {value}/{total} | ETA {eta_formatted}`;
  // A multi-bar with one bar: only it can write lines above itself.
  const bars = new MultiBar({ stream, format, fps: 10, hideCursor: true, gracefulExit: true });
  const bar = bars.create(total ?? 0, 0);
  let running = true;
  const whileRunning =
    <Args extends unknown[]>(act: (...args: Args) => void) =>
    (...args: Args) => {
      if (running) act(...args);
    };
  return {
    advance: whileRunning((count = 1) => bar.increment(count)),
    set: whileRunning((done) => bar.update(done)),
    note: whileRunning((line) => bars.log(`${line}\n`)),
    stop: whileRunning(() => {
      running = false;
      // stop() alone forgets the notes since the last redraw.
      bars.update();
      bars.stop();
    }),
  };
}

/** At most one line in a second, and with a known total at most one for each tenth of it. */
function startLines({ label, total, stream, now = Date.now }: ProgressOptions): Progress {
  let done = 0;
  let running = true;
  let written = { done: 0, at: now(), last: '' };

  function write(): void {
    const share = total === undefined || total === 0 ? '' : ` (${percent(done, total)} %)`;
    const line = `${label}: ${done}${total === undefined ? '' : `/${total}`}${share}`;
    if (line !== written.last) stream.write(`${line}\n`);
    written = { done, at: now(), last: line };
  }

  function set(next: number): void {
    if (!running) return;
    done = next;
    const isSoon = now() - written.at < lineEveryMs;
    const isLittle = total !== undefined && done - written.done < total * lineEveryShare;
    if (!isSoon && !isLittle) write();
  }

  return {
    advance: (count = 1) => set(done + count),
    set,
    note: (line) => {
      if (running) stream.write(`${line}\n`);
    },
    stop: () => {
      if (running) write();
      running = false;
    },
  };
}

function percent(done: number, total: number): number {
  return Math.floor((done / total) * 100);
}
