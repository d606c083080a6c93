/** The rows as text: columns for people, colours only where the caller says that somebody sees them. */
import { printable } from '../command.ts';
import type { NodeRow, NodeState } from './rows.ts';

type Column = readonly [head: string, cell: (row: NodeRow) => string, isText?: true];

const number = (value: number | null, digits = 0) => (value === null ? '–' : value.toFixed(digits));

const COLUMNS: readonly Column[] = [
  ['node', ({ node }) => node, true],
  ['state', ({ state }) => state, true],
  ['height', ({ height }) => number(height)],
  ['round', ({ round }) => number(round)],
  ['lag s', ({ lagSeconds }) => number(lagSeconds, 1)],
  ['tx/s', ({ transactionsPerSecond }) => number(transactionsPerSecond)],
  ['block s', ({ blockIntervalSeconds }) => number(blockIntervalSeconds, 2)],
  ['pending', ({ pending }) => number(pending)],
  ['peers', ({ peers }) => number(peers)],
  ['MB', ({ rssMb }) => number(rssMb)],
  ['cpu %', ({ cpuPercent }) => number(cpuPercent)],
];

const COLOURS: Readonly<Record<NodeState, string>> = {
  ok: '\u001b[32m',
  behind: '\u001b[33m',
  stalled: '\u001b[33m',
  down: '\u001b[31m',
};
const BOLD = '\u001b[1m';
const PLAIN = '\u001b[0m';

export interface View {
  readonly colour: boolean;
  /** Characters of a line; what is longer is cut. */
  readonly width: number;
}

/** Head and one line per node. */
export function render(rows: readonly NodeRow[], { colour, width }: View): string[] {
  // A name comes from the node: it must not steer the terminal.
  const cells = rows.map((row) => COLUMNS.map(([, cell]) => printable(cell(row)).replace(/\s/g, ' ')));
  const heads = COLUMNS.map(([head]) => head);
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((line) => line[i]!.length)));
  const join = (line: readonly string[]) =>
    line
      .map((text, i) => (COLUMNS[i]![2] === true ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join('  ')
      .slice(0, width);
  const paint = (text: string, code: string) => (colour ? `${code}${text}${PLAIN}` : text);
  return [paint(join(heads), BOLD), ...rows.map(({ state }, i) => paint(join(cells[i]!), COLOURS[state]))];
}
