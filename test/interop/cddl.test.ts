/** The CDDL of docs/spec/receipts.md against real bytes, by pycddl: none of our code decides whether they match. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { decode, encode } from '../../node-core/codec/cbor.ts';
import { encodePendingSet } from '../../node-core/ledger/validators.ts';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const DOCUMENTS = ['README', 'transactions', 'execution', 'operations', 'genesis', 'receipts'];
const LIMITS = { maxBytes: 1_000_000, maxDepth: 16, maxItems: 100_000 };

// biome-ignore lint/suspicious/noExplicitAny: JSON of several shapes.
const vector = (name: string): any => JSON.parse(readFileSync(at(`test/vectors/brop/${name}.json`), 'utf8'));

function grammar(): string {
  const texts = DOCUMENTS.map((name) => readFileSync(at(`docs/spec/${name}.md`), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(/^```cddl\n([\s\S]*?)^```/gm)].map((match) => match[1]!)).join('\n');
}

function wrong(samples: readonly (readonly [rule: string, hex: string, matches: boolean])[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(at('.cache/venv/bin/python'), [at('test/spec/check_cddl.py')], (error, stdout, stderr) =>
      error === null ? resolve(JSON.parse(stdout)) : reject(new Error(stderr)),
    );
    child.stdin!.end(JSON.stringify({ cddl: grammar(), samples }));
  });
}

/** The same map with one field changed. */
function changed(hex: string, change: (map: Map<string, unknown>) => void): string {
  const map = new Map(decode(fromHex(hex), LIMITS) as ReadonlyMap<string, unknown>);
  change(map);
  return toHex(encode(map as never));
}

it('every proof matches the grammar, and what is not of its form does not', async () => {
  const { cbor, transparentStatement } = vector('receipt');
  const state = vector('state-proofs');
  const expiry = vector('expiry-certificate').cbor;
  const good: [string, string][] = [
    ['receipt', cbor],
    ['proof-file', cbor],
    ['receipt', vector('rejected-receipt').cbor],
    ['receipt', vector('set-change-receipt').cbor],
    ...vector('batch-receipt').receipts.map((hex: string) => ['receipt', hex] as [string, string]),
    ...vector('suites').map((row: { cbor: string }) => ['receipt', row.cbor] as [string, string]),
    ['state-proof', state.presence.cbor],
    ['state-proof', state.absence.cbor],
    ['expiry-certificate', expiry],
    ['transparent-statement', transparentStatement],
    ['precommit-header', vector('votes').precommit.protected],
    ['approval-header', vector('set-approval').protected],
    ['approval-payload', vector('set-approval').payload],
    ['set-validators', vector('set-approval').body],
    ['dated-set', toHex(encodePendingSet({ effectiveHeight: 1, bytes: fromHex(vector('set-approval').nextSet) }))],
  ];
  const bad: [string, string][] = [
    ['receipt', expiry],
    ['expiry-certificate', state.absence.cbor],
    ['receipt', changed(cbor, (map) => map.set('extra', 1))],
    ['receipt', changed(cbor, (map) => map.delete('inLog'))],
    ['receipt', changed(cbor, (map) => map.set('inBlock', [0, [new Uint8Array(31)]]))],
    ['receipt', changed(cbor, (map) => map.set('certificate', [0, []]))],
    ['expiry-certificate', changed(expiry, (map) => map.set('expiry', -1))],
    ['transparent-statement', vector('transaction').bytes],
    ['precommit-header', vector('votes').prevote.protected],
    ['approval-header', vector('votes').precommit.protected],
    ['precommit-header', vector('votes').precommitNil.protected],
  ];
  expect(
    await wrong([
      ...good.map(([rule, hex]) => [rule, hex, true] as const),
      ...bad.map(([rule, hex]) => [rule, hex, false] as const),
    ]),
  ).toEqual([]);
});
