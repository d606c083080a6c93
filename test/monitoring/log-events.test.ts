/** docs/monitoring/logs.md names every event that the program logs, and no other. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const ROOMS = ['node-core', 'adapters', 'api', 'nodes'];
/** A call of a log, or of the transport's that takes a subject first: its level and what it is given. */
const CALL = /(?:\b[lL]og|#log|#?quiet)\.(debug|info|warn|error)\(/g;
const EVENT = /^\s*(?:(?:`[^`]*`|'listener'|\w+),\s*)?'((?:[^'\\]|\\.)*)'/;
/** Passes on what it was given. */
const PASSED_ON = /^message,/;

function logged(): Set<string> {
  const files = ROOMS.flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root })).filter(
    (file) => !file.endsWith('.test.ts') && !file.endsWith('testing.ts'),
  );
  const events = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const call of text.matchAll(CALL)) {
      const given = text.slice(call.index + call[0].length);
      if (PASSED_ON.test(given)) continue;
      const message = EVENT.exec(given)?.[1];
      expect(message, `${file}: an event's name is a plain string: log.${call[1]}(${given.slice(0, 60)}`).toBeDefined();
      events.add(`${call[1]}: ${message}`);
    }
  }
  return events;
}

function documented(): Set<string> {
  const page = readFileSync(join(root, 'docs/monitoring/logs.md'), 'utf8');
  const rows = page.matchAll(/^\| (debug|info|warn|error) \| `([^`]+)` \|/gm);
  return new Set([...rows].map(([, level, message]) => `${level}: ${message}`));
}

test('every event of the log is documented, and every documented one exists', () => {
  const [program, page] = [logged(), documented()];
  expect(program.size).toBeGreaterThan(30);
  expect([...program].filter((event) => !page.has(event))).toEqual([]);
  expect([...page].filter((event) => !program.has(event))).toEqual([]);
});
