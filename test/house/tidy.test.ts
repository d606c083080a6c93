import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

const tidy = join(import.meta.dirname, '..', '..', 'scripts', 'tidy.ts');
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

type Files = Record<string, string>;

const dependencies = '"dependencies": {"pino": "1.0.0", "@noble/hashes": "1.0.0"}';
/** A small tree that breaks no rule; each test adds or replaces a file. */
const rightTree: Files = {
  'package.json': `{"type": "module", ${dependencies}}`,
  'node-core/README.md': '',
  'node-core/codec/README.md': '',
  'node-core/codec/cbor.ts': 'export const encode = (n: number): number => n;\n',
  'node-core/codec/cbor.test.ts': [
    "import { readFileSync } from 'node:fs';",
    "import { test } from 'vitest';",
    "import { vectors } from '../../test/vectors.ts';",
    "import { encode } from './cbor.ts';",
    "test('encodes', () => void [readFileSync, vectors, encode, Date.now()]);",
  ].join('\n'),
  'node-core/ledger/README.md': '',
  'node-core/ledger/apply.ts': [
    "import { sha256 } from '@noble/hashes/sha2.js';",
    "import { encode } from '../codec/cbor.ts';",
    'export const apply = (): unknown => [sha256, encode, new Date(0)];',
  ].join('\n'),
  'node-core/components/README.md': '',
  'node-core/components/identity/README.md': '',
  'node-core/components/identity/read.ts': "export { apply } from '../../ledger/apply.ts';\n",
  'node-core/components/evidence/README.md': '',
  'node-core/components/evidence/register.ts': "export { apply } from '../identity/read.ts';\n",
  'node-core/ports/README.md': '',
  'node-core/ports/store.ts': [
    "import type { encode } from '../codec/cbor.ts';",
    'export interface Store { put: typeof encode }',
    'export class StoreError extends Error {}',
  ].join('\n'),
  'adapters/README.md': '',
  'adapters/memory/store.ts': [
    "import pino from 'pino';",
    "import { StoreError } from '../../node-core/ports/store.ts';",
    "import type { Store } from '../../node-core/ports/store.ts';",
    "export { apply } from '../../node-core/components/evidence/register.ts';",
    'export const store: Store | StoreError | typeof pino = new StoreError(Date.now());',
    "export const worker = new URL('./worker.ts', import.meta.url);",
  ].join('\n'),
  'adapters/memory/worker.ts': "console.log('a worker');\n",
  'cli/README.md': '',
  'cli/main.ts': "const lazy = await import('../adapters/memory/store.ts');\nconsole.log(lazy);\n",
  'test/README.md': '',
  'test/vectors.ts': 'export const vectors = [];\n',
};

interface Report {
  files: number;
  findings: { file: string; line: number; rule: string; todo: string }[];
}

function write(changes: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'));
  folders.push(root);
  for (const [file, text] of Object.entries({ ...rightTree, ...changes })) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

/** Runs tidy on the right tree with these changes and returns the findings as `file:line: rule`. */
function findingsOf(changes: Files): string[] {
  const run = spawnSync(process.execPath, [tidy, '--json', write(changes)], { encoding: 'utf8' });
  if (run.stdout === '') throw new Error(run.stderr);
  const { findings }: Report = JSON.parse(run.stdout);
  expect(run.status).toBe(findings.length === 0 ? 0 : 1);
  return findings.map(({ file, line, rule }) => `${file}:${line}: ${rule}`);
}

const linesOf = (count: number): string => '  f();\n'.repeat(count);

describe('tidy', () => {
  test('passes a tree that keeps the rules', () => {
    expect(findingsOf({})).toEqual([]);
  });

  test('prints one line per finding, with what to do, and fails', () => {
    const root = write({ 'node-core/codec/stray.ts': 'export {};\n' });
    const run = spawnSync(process.execPath, [tidy, root], { encoding: 'utf8' });
    expect(run.stdout).toMatch(/^node-core\/codec\/stray\.ts:1: dead: nothing reaches this file: .+\n$/);
    expect(run.status).toBe(1);
  });

  test('prints its rules with --help', () => {
    expect(execFileSync(process.execPath, [tidy, '--help'], { encoding: 'utf8' })).toContain('file:line: rule');
  });

  test('layer: an import from below to above, written in any way, even in a test', () => {
    const codec = 'node-core/codec/cbor.ts';
    for (const line of [
      "import { apply } from '../ledger/apply.ts';",
      "import type { apply } from '../ledger/apply.ts';",
      "export * from '../ledger/apply.ts';",
      "export const later = () => import('../ledger/apply.ts');",
      "export type Later = import('../ledger/apply.ts').Later;",
    ]) {
      expect(findingsOf({ [codec]: `// ${'登记'.repeat(99)}\n${line}\n` }), line).toEqual([`${codec}:2: layer`]);
    }
    const inTest = { 'node-core/codec/more.test.ts': "import '../ledger/apply.ts';" };
    expect(findingsOf(inTest)).toEqual(['node-core/codec/more.test.ts:1: layer']);
  });

  test('layer: text that only looks like an import is none', () => {
    const text = "// import '../ledger/apply.ts';\nexport const encode = `import '../ledger/apply.ts'`;\n";
    expect(findingsOf({ 'node-core/codec/cbor.ts': text })).toEqual([]);
  });

  test('layer: a component reads another only through read.ts', () => {
    const changes = {
      'node-core/components/identity/certify.ts': 'export const certify = 1;\n',
      'node-core/components/evidence/register.ts':
        "export * from '../identity/certify.ts';\nexport { apply } from '../identity/read.ts';\n",
    };
    expect(findingsOf(changes)).toEqual(['node-core/components/evidence/register.ts:1: layer']);
  });

  test('layer: a product room may not import test, and a folder without a row is named', () => {
    const changes = { 'cli/main.ts': `${rightTree['cli/main.ts']}import '../test/vectors.ts';\nimport '../new/x.ts';` };
    expect(findingsOf({ ...changes, 'new/x.ts': 'export {};' })).toEqual([
      'cli/main.ts:3: layer',
      'cli/main.ts:4: layer',
    ]);
  });

  test('contract: a port imported by value, or itself importing a value', () => {
    const store = `${rightTree['adapters/memory/store.ts']}\nimport { open } from '../../node-core/ports/store.ts';`;
    expect(findingsOf({ 'adapters/memory/store.ts': store })).toEqual(['adapters/memory/store.ts:7: contract']);
    const port = "import { encode } from '../codec/cbor.ts';\nexport class StoreError extends Error { put = encode; }";
    expect(findingsOf({ 'node-core/ports/store.ts': port })).toEqual(['node-core/ports/store.ts:1: contract']);
  });

  test('dead: a file that only dead files import, though a package export would keep it', () => {
    const changes = {
      'sdk/README.md': '',
      'sdk/one.ts': "import './two.ts';",
      'sdk/two.ts': "import './one.ts';",
    };
    expect(findingsOf(changes)).toEqual(['sdk/one.ts:1: dead', 'sdk/two.ts:1: dead']);
    const exports = `{"exports": {".": {"default": "./sdk/one.ts"}}, ${dependencies}}`;
    expect(findingsOf({ ...changes, 'package.json': exports })).toEqual([]);
  });

  test('long: a function of 71 lines, of any kind, whatever braces its text holds', () => {
    const file = 'node-core/codec/cbor.ts';
    const braces = '  const text = [`}$' + "{'{'}`, '}', /[}/]}/]; // }\n";
    for (const [head, tail] of [
      ['export function encode(): { a: number } {\n', '}\n'],
      ['export const encode = (): void => {\n', '};\n'],
      ['export class Encoder { encode() {\n', '} }\n'],
    ] as const) {
      expect(findingsOf({ [file]: head + braces + linesOf(67) + tail }), head).toEqual([]);
      expect(findingsOf({ [file]: head + braces + linesOf(68) + tail }), head).toEqual([`${file}:1: long`]);
    }
  });

  test('long: the callback of describe in a test is exempt, the one of test is not', () => {
    const body = (call: string) => `${call}('x', () => {\n${linesOf(80)}});\n`;
    const file = 'node-core/codec/more.test.ts';
    expect(findingsOf({ [file]: body('describe') + body('describe.each([1])') })).toEqual([]);
    expect(findingsOf({ [file]: body('test') })).toEqual([`${file}:1: long`]);
  });

  test('pure: Node, other packages, clock, chance and locale, in a pure room and not in its tests', () => {
    const file = 'node-core/codec/cbor.ts';
    for (const line of [
      "import { readFileSync } from 'node:fs';",
      "import fs from 'fs';",
      "import pino from 'pino';",
      "import { x } from '@noble/ciphers/aes.js';",
      'export const encode = Date.now();',
      'export const encode = Date.now;',
      'export const encode = Math.random();',
      'export const encode = new Date();',
      "export const encode = 'a'.localeCompare('b');",
    ]) {
      expect(findingsOf({ [file]: `${line}\n` }), line).toEqual([`${file}:1: pure`]);
      expect(findingsOf({ 'node-core/codec/more.test.ts': line }), line).toEqual([]);
    }
  });

  test('dependency: product code on a package that a bare npm start does not install', () => {
    const main = "import 'vitest';\nimport type { Plugin } from 'esbuild';\nexport type X = Plugin;\n";
    const changes = { 'cli/main.ts': `${main}${rightTree['cli/main.ts']}` };
    expect(findingsOf(changes)).toEqual(['cli/main.ts:1: dependency']);
  });

  test('readme: a room with code and no README.md', () => {
    const changes = { 'node-core/chain/header.test.ts': 'export {};' };
    expect(findingsOf(changes)).toEqual(['node-core/chain/README.md:1: readme']);
  });
});
