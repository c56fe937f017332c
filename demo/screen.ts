import { fit } from './draw-table.ts';

/** Everything as it is now, in parts: where a window is low, less of each is shown. */
export type View = {
  readonly places: readonly string[];
  /** For a window of so many columns. */
  readonly table: (columns: number) => readonly string[];
  readonly foot: readonly string[];
};

/** Where the demonstration shows itself. */
export type Screen = {
  /** Whether views are shown; else lines have to tell. */
  readonly isLive: boolean;
  /** Replaces the view before. */
  show(view: View): void;
  /** What is to be read later: a line that stays. */
  say(line: string): void;
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
    show(view) {
      if (!isOpen) stream.write(enter);
      isOpen = true;
      const { columns, rows } = stream;
      const all = layOut({ ...view, table: view.table(columns) }, rows - 1);
      const lines = all.map((line) => `${fit(line, columns)}${clearLine}\n`);
      stream.write(`${home}${lines.join('')}${clearBelow}`);
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

/** As many lines as there are: the places go first, then the last rows of the table. */
export function layOut(
  view: Omit<View, 'table'> & { readonly table: readonly string[] },
  rows: number,
): readonly string[] {
  const { places, table, foot } = view;
  const whole = [...places, '', ...table, '', ...foot];
  if (whole.length <= rows) return whole;
  if (table.length + foot.length <= rows) return [...table, ...foot];
  const left = Math.max(rows - foot.length - 1, 1);
  return [...table.slice(0, left), `… ${table.length - left} more`, ...foot].slice(0, rows);
}
