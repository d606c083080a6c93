// The tables in docs/spec say exactly what the code says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LEVELS } from '../../node-core/chain/account.ts';
import { CODES } from '../../node-core/chain/codes.ts';
import { DEFAULT_PARAMETERS } from '../../node-core/chain/parameters.ts';
import { SCOPES } from '../../node-core/chain/scopes.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { walkthrough } from './walkthrough.ts';

const document = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

/** The rows of the table that begins with this head, as cells. */
function table(text: string, head: string): string[][] {
  const [, after] = text.split(`${head}\n`);
  expect(after, `a table with the head ${head}`).toBeDefined();
  const rows = after!.split('\n').slice(1);
  const end = rows.findIndex((row) => !row.startsWith('|'));
  return rows.slice(0, end).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('codes.md lists every code once, in order, with its meaning; and what to do', () => {
  const rows = [...document('spec/codes.md').matchAll(/^\| (\d{4}) \| (\w+) \| (.*?) \| (.*?) \| (.*?) \|$/gm)];
  const listed = rows.map(([, number, name, text]) => [Number(number), name, text]);
  expect(listed).toEqual(Object.entries(CODES).map(([name, { number, text }]) => [number, name, text]));
  for (const [, , name, , where, remedy] of rows) expect([where, remedy], name).not.toContain('');
});

test('operations.md: the table level × operation', () => {
  const head =
    '| operation | operator | validator | partner | certificate | realname | anonymous | phone | registered |';
  const yes = (is: boolean) => (is ? 'yes' : 'no');
  const expected = [...operationsOf(1)].map(([name, { rule }]) => [
    name,
    yes(rule.operator),
    yes(rule.validator),
    rule.partner ?? '–',
    ...LEVELS.map((level) => rule.levels[level]),
  ]);
  expect(table(document('spec/operations.md'), head)).toEqual(expected);
});

test('operations.md: every operation has its section, its clause and its codes', () => {
  const text = document('spec/operations.md');
  for (const [name, { clause }] of operationsOf(1)) {
    expect(text).toContain(`\n## ${name}\n`);
    const row = table(text, '| clause of the legal document | falls under it | its subject |').find(
      ([c]) => c === `\`${clause}\``,
    );
    expect(row?.[1]).toContain(name);
  }
  const business = Object.values(CODES).filter(({ number }) => number >= 2000 && number < 3000);
  for (const { number } of business) expect(text).toMatch(new RegExp(`^\\| ${number} \\|`, 'm'));
});

test('genesis.md: every parameter with its default', () => {
  const flat = Object.entries(DEFAULT_PARAMETERS).flatMap(([name, value]) =>
    typeof value === 'number'
      ? [[name, String(value)]]
      : Object.entries(value).map(([part, n]) => [`${name}.${part}`, String(n)]),
  );
  const rows = table(document('spec/genesis.md'), '| parameter | default | meaning |');
  expect(rows.map(([name, value]) => [name, value])).toEqual(flat);
});

test('walkthrough-evidence-register.md: its bytes are those that the code makes from the seed', async () => {
  const text = document('walkthrough-evidence-register.md');
  const blocks = [...text.matchAll(/^```hex (\w+)\n([\s\S]*?)^```/gm)].map(([, name, hex]) => [
    name,
    hex!.replace(/\s/g, ''),
  ]);
  const expected = Object.entries(await walkthrough()).map(([name, bytes]) => [name, toHex(bytes)]);
  expect(blocks, 'node test/spec/walkthrough.ts writes them anew').toEqual(expected);
  for (const [, hex] of blocks) expect(toHex(fromHex(hex!))).toBe(hex);
});

test('authentication.md: every scope with what it is good for', () => {
  const rows = table(document('spec/authentication.md'), '| scope | good for |');
  expect(rows).toEqual(Object.entries(SCOPES).map(([name, text]) => [`\`${name}\``, text]));
});
