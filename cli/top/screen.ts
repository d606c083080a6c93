/** A terminal that shows one picture after the other, until somebody presses q or Ctrl-C. */

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const OTHER_SCREEN = '\u001b[?1049h';
const FIRST_SCREEN = '\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const ENDING_KEYS = ['q', 'Q', '\u0003', '\u0004', '\u001b'];

export interface Screen {
  readonly width: number;
  /** Shows these lines, as many as fit. */
  show(lines: readonly string[]): void;
  /** Calls back when the terminal has another size. */
  onResize(redraw: () => void): void;
  /** Resolves when somebody has pressed q. */
  readonly left: Promise<void>;
  close(): void;
}

export function openScreen(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Screen {
  let leave: () => void = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const onKey = (chunk: Buffer) => {
    if (ENDING_KEYS.includes(chunk.toString())) leave();
  };
  let redraw = () => {};
  const onResize = () => redraw();
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', onKey).resume();
  }
  stdout.on('resize', onResize);
  stdout.write(OTHER_SCREEN + HIDE_CURSOR);
  return {
    get width() {
      return stdout.columns;
    },
    show: (lines) => {
      const fitting = lines.slice(0, stdout.rows);
      stdout.write(HOME + fitting.map((line) => line + CLEAR_LINE).join('\r\n') + CLEAR_BELOW);
    },
    onResize: (action) => {
      redraw = action;
    },
    left,
    close: () => {
      stdout.off('resize', onResize);
      if (stdin.isTTY) {
        stdin.off('data', onKey).pause();
        stdin.setRawMode(false);
      }
      stdout.write(SHOW_CURSOR + FIRST_SCREEN);
    },
  };
}
