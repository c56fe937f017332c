import { fit } from './draw-table.ts';

/** Where the demonstration shows itself. */
export type Screen = {
  /** A view of everything as it is now: replaces the one before, or is not shown. */
  show(lines: readonly string[]): void;
  /** What is to be read later: a line that stays. */
  say(line: string): void;
  readonly isLive: boolean;
  close(): void;
};

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const clearLine = '\u001b[K';
const clearBelow = '\u001b[J';

/** In a terminal a picture that is drawn anew, on the other screen; else lines alone. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  if (!stream.isTTY) {
    return {
      isLive: false,
      show: () => undefined,
      say: (line) => void stream.write(`${line}\n`),
      close: () => undefined,
    };
  }
  const said: string[] = [];
  let isOpen = false;
  return {
    isLive: true,
    show(lines) {
      if (!isOpen) stream.write(enter);
      isOpen = true;
      const { columns, rows } = stream;
      const visible = lines.slice(0, rows - 1).map((line) => `${fit(line, columns)}${clearLine}\n`);
      stream.write(`${home}${visible.join('')}${clearBelow}`);
    },
    say(line) {
      if (isOpen) said.push(line);
      else stream.write(`${line}\n`);
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      stream.write(leave);
      for (const line of said.splice(0)) stream.write(`${line}\n`);
    },
  };
}
