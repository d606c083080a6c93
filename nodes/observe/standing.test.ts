import { expect, test } from 'vitest';
import { reportStanding, type Standing } from './standing.ts';

const MINUTE_MS = 60_000;

function rig() {
  const lines: [string, unknown][] = [];
  let nowMs = 1_000_000;
  let due: { readonly atMs: number; readonly action: () => void } | null = null;
  const clock = {
    now: () => nowMs,
    schedule: (delayMs: number, action: () => void) => {
      due = { atMs: nowMs + delayMs, action };
      return () => {
        due = null;
      };
    },
  };
  const log = {
    debug: () => {},
    info: (...line: [string, unknown?]) => void lines.push([line[0], line[1]]),
    warn: () => {},
    error: () => {},
  };
  const pass = (ms: number) => {
    for (const until = nowMs + ms; due !== null && due.atMs <= until; ) {
      const { atMs, action } = due;
      [nowMs, due] = [atMs, null];
      action();
    }
  };
  return { lines, clock, log, pass };
}

test('a line a minute, of numbers alone, until it is ended', () => {
  const { lines, clock, log, pass } = rig();
  const node = {
    store: { height: 7, timeMs: 1_000_000 },
    peers: { count: 3, bestHeight: 9 },
    isOnStandby: true as boolean | null,
  } satisfies Standing;
  const end = reportStanding(node, clock, log);
  pass(MINUTE_MS);
  expect(lines).toEqual([
    ['how the node stands', { height: 7, blockAgeMs: MINUTE_MS, behindBlocks: 2, peers: 3, standby: 1 }],
  ]);
  Object.assign(node, { isOnStandby: null, peers: { count: 0, bestHeight: 0 } });
  pass(MINUTE_MS);
  expect(lines[1]?.[1]).toMatchObject({ behindBlocks: 0, peers: 0, standby: 0 });
  end();
  pass(10 * MINUTE_MS);
  expect(lines).toHaveLength(2);
});

test('a node that writes a ledger table says how far that is behind', () => {
  const { lines, clock, log, pass } = rig();
  const store = { height: 7, timeMs: 1_000_000 };
  const table = { height: -1 };
  reportStanding({ store, peers: { count: 0, bestHeight: 0 }, isOnStandby: null }, clock, log, table);
  pass(MINUTE_MS);
  table.height = 5;
  pass(MINUTE_MS);
  expect(lines.map(([, fields]) => fields)).toMatchObject([{ ledgerLagBlocks: 7 }, { ledgerLagBlocks: 2 }]);
});
