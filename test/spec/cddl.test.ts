// The CDDL of docs/spec against real bytes, by an independent implementation (Python, cddl-verifier): what nodes sign, store
// and prove matches the grammar, and what they refuse does not.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { blockLeaf, encodeBlock, encodeEvent, encodeResult } from '../../node-core/chain/block.ts';
import { makeChallenge } from '../../node-core/chain/challenge.ts';
import { batchLeaf } from '../../node-core/chain/operations/evidence.ts';
import { type Property, type RegisterSchema, schemaId } from '../../node-core/chain/operations/record-schema.ts';
import {
  REGISTER_NODE,
  registerNodeBody,
  UNREGISTER_NODE,
  unregisterNodeBody,
} from '../../node-core/chain/operations/register-node.ts';
import { signedMessage } from '../../node-core/chain/transaction.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { type CborValue, decode, encode, Tag } from '../../node-core/codec/cbor.ts';
import { decodeStateRow, stateRowsUnder } from '../../node-core/runtime/state-rows.ts';
import { setChange } from '../ledger/set-changes.ts';
import {
  type Actor,
  bytesOf,
  crypto,
  evidenceBody,
  keyPair,
  op,
  partnerBody,
  userBody,
  World,
} from '../ledger/world.ts';

const root = join(import.meta.dirname, '..', '..');
const python = join(root, '.cache', 'venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
const DOCUMENTS = ['README', 'transactions', 'execution', 'operations', 'genesis', 'authentication'];

type Sample = readonly [rule: string, bytes: Uint8Array, matches: boolean];

function grammar(): string {
  const texts = DOCUMENTS.map((name) => readFileSync(join(root, 'docs', 'spec', `${name}.md`), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(/^```cddl\n([\s\S]*?)^```/gm)].map((match) => match[1]!)).join('\n');
}

function check(samples: readonly Sample[]): Promise<string[]> {
  const input = JSON.stringify({
    cddl: grammar(),
    samples: samples.map(([rule, bytes, ok]) => [rule, toHex(bytes), ok]),
  });
  return new Promise((done, fail) => {
    const child = execFile(
      python,
      [join(import.meta.dirname, 'check_cddl.py')],
      { maxBuffer: 1 << 26 },
      (error, out, err) => (error === null ? done(JSON.parse(out)) : fail(new Error(`${error.message}\n${err}`))),
    );
    child.stdin!.end(input);
  });
}

const digest = bytesOf('digest');
const fullEvidence = {
  mediaType: 'application/ld+json',
  subject: '批次 7',
  attributes: new Map<string, string | number | boolean>([
    ['lot', '7'],
    ['weight', -5],
    ['fresh', true],
    ['note', ''],
  ]),
  provenance: { source: 'camera', method: 'photo', capturedMs: 5, witnesses: [bytesOf('w', 20)], related: [digest] },
  hosted: digest,
  timestamps: [Uint8Array.of(0x30, 0x00)],
};
const allDigests = new Map([
  ['sha-256', digest],
  ['sha-512', bytesOf('d', 64)],
  ['sha3-256', digest],
  ['sm3', digest],
] as const);

const goods: RegisterSchema = {
  name: 'goods',
  schema: {
    type: 'object',
    properties: new Map<string, Property>([
      ['lot', { type: 'string', maxLength: 8, 'x-indexed': true }],
      ['note', { type: 'string' }],
      ['weight', { type: 'integer', minimum: -5, maximum: 5, enum: [-5, 5] }],
      ['fresh', { type: 'boolean', 'x-indexed': true }],
    ]),
    required: ['lot', 'fresh'],
    additionalProperties: false,
  },
};

/** With one property, of these keywords. */
function schema(property: Record<string, CborValue>): Map<string, CborValue> {
  const properties = new Map([['lot', new Map(Object.entries(property))]]);
  const body = new Map<string, CborValue>([
    ['type', 'object'],
    ['properties', properties],
    ['additionalProperties', false],
  ]);
  return new Map<string, CborValue>([
    ['name', 'goods'],
    ['schema', body],
  ]);
}

let world: World;
let samples: Sample[];

/** One of everything that the chain has. */
async function collect(): Promise<Sample[]> {
  const out: Sample[] = [];
  const add = (rule: string, bytes: Uint8Array) => out.push([rule, bytes, true]);
  const value = (rule: string, item: CborValue) => add(rule, encode(item));
  const partner = await world.partner('partner', { permissions: ['identity', 'evidence', 'voucher'] });
  const certified = { name: '可信 Ann', commitment: digest, validUntil: world.store.timeMs + 9_999_999 };
  const user = await world.user(partner, 'ann', certified);
  const operations = [
    op.register(evidenceBody('x')),
    op.register({ ...fullEvidence, digests: allDigests, sizeBytes: 5, onBehalfOf: user.id }),
    op.registerBatch({ ...fullEvidence, root: digest, count: 1_048_576 }),
    op.certify(userBody('bob')),
    op.registerSchema(goods),
    op.register({ ...fullEvidence, digests: allDigests, schema: schemaId(crypto, partner.id, goods) }),
  ];
  for (const suite of ['p256', 'ed25519', 'sm2'] as const) {
    add('transaction', world.transaction(partner, operations, { signWith: keyPair('any', suite) }));
  }
  const packed = await world.block([
    world.transaction(partner, operations),
    world.transaction(user, [op.register(evidenceBody('own'))]),
    world.transaction(partner, [op.register(evidenceBody('x', { previous: digest }))]),
  ]);
  const { executed } = packed;
  const parsed = executed.transactions[0]!.transaction;
  add('signed-bytes', signedMessage(parsed));
  for (const [rule, { body }] of [
    ['register', operations[1]!],
    ['register-batch', operations[2]!],
    ['register-schema', operations[4]!],
    ['register', operations[5]!],
  ] as const)
    value(rule, body);
  add('challenge', challengeOf(partner));
  value('certify', op.certify(userBody('x', certified)).body);
  value('admit-partner', op.admit(partnerBody('x')).body);
  add('batch-leaf', batchLeaf(allDigests));
  add('genesis', world.genesis.bytes);
  add('header', executed.headerBytes);
  add('validator-set', world.genesis.validators.bytes);
  add('block', encodeBlock({ ...executed, transactions: executed.transactions.map((t) => t.transaction.bytes) }));
  for (const [i, result] of executed.results.entries()) {
    value('result', encodeResult(result));
    add('block-leaf', blockLeaf(crypto, executed.transactions[i]!.transaction.bytes, result));
  }
  for (const event of executed.events) {
    add('event', encodeEvent(event));
    value('event-data', event[3]);
  }
  await addState(partner, add);
  return out;
}

function challengeOf({ id: account, key }: Actor): Uint8Array {
  const scopes = ['audit:read', 'records:read'];
  const whose = { chain: world.genesis.hash, protocolVersion: 1, account, origin: 'https://node.example', scopes };
  return makeChallenge(crypto, { ...whose, id: digest, expiresMs: 5 }, key, () => digest);
}

/** Every family of the state. */
async function addState(partner: Actor, add: (rule: string, bytes: Uint8Array) => void): Promise<void> {
  // Nonces go, so that there is a prunedThrough.
  await world.idle(14);
  const rules = {
    account: 'account',
    name: 'account-id',
    key: 'account-id',
    quota: 'quota',
    tx: 'transaction-entry',
    prunedThrough: 'height',
    schema: 'registered-schema',
    subject: 'subject-head',
    validators: 'dated-set',
    nextValidators: 'dated-set',
    node: 'node',
    nodes: 'node-keys',
  };
  const seen = new Set<string>();
  await world.block([world.transaction(partner, [op.register(evidenceBody('late'))])]);
  for (const governance of await governed(partner)) {
    add(...governance);
  }
  await world.store.flush();
  for (const { value: row } of world.kv.range(...stateRowsUnder(''))) {
    const { key, value: stored } = decodeStateRow(row);
    const [family] = decode(key) as [keyof typeof rules];
    seen.add(family);
    add('state-key', key);
    add(rules[family], stored);
    add('state-value', stored);
  }
  expect([...seen].sort()).toEqual(Object.keys(rules).sort());
}

/** Two changes of the set, one of which waits, and a node that is registered and one that was. */
async function governed(partner: Actor): Promise<[rule: string, bytes: Uint8Array][]> {
  const approvers = [{ index: 0, key: world.members.validators[0]! }];
  const powered = (power: number, effectiveHeight: number) => {
    const [validator] = world.store.validators.validators;
    return setChange(world.store, { validators: [{ ...validator!, power }], effectiveHeight, approvers });
  };
  const first = powered(2, world.next + 1);
  await world.applied(world.transaction(world.operator, [first]));
  await world.idle(1);
  await world.applied(world.transaction(world.operator, [powered(3, world.next + 9)]));
  const nodeKey = bytesOf('node');
  const node = registerNodeBody.encode({ nodeKey, noteKey: keyPair('note').publicKey });
  const gone = unregisterNodeBody.encode({ nodeKey: bytesOf('gone') });
  const operations = [
    { type: REGISTER_NODE, body: node },
    { type: REGISTER_NODE, body: registerNodeBody.encode({ nodeKey: bytesOf('gone') }) },
    { type: UNREGISTER_NODE, body: gone },
  ];
  await world.applied(world.transaction(partner, operations));
  return [
    ['set-validators', encode(first.body)],
    ['register-node', encode(node)],
    ['unregister-node', encode(gone)],
  ];
}

/** Things that look right and are not. */
function wrongOnes(): Sample[] {
  const bad = (rule: string, item: CborValue): Sample => [rule, encode(item), false];
  const body = (operation: { body: CborValue }) => new Map(operation.body as Map<string, CborValue>);
  const register = () => body(op.register(evidenceBody('x')));
  const certify = () => body(op.certify(userBody('x')));
  const admit = () => body(op.admit(partnerBody('x')));
  const sign1 = (decode(world.transaction(world.operator, [op.register(evidenceBody('x'))])) as Tag)
    .value as CborValue[];
  const withPart = (i: number, part: CborValue) =>
    new Tag(
      18,
      sign1.map((old, j) => (i === j ? part : old)),
    );
  const header = new Map(decode(sign1[0] as Uint8Array) as Map<number, CborValue>);
  const genesis = (decode(world.genesis.bytes) as Tag).value as CborValue[];
  const document = new Map(decode(genesis[2] as Uint8Array) as Map<string, CborValue>);
  return [
    bad('register', register().set('digests', new Map())),
    bad('register', register().set('digests', new Map([['sha-256', new Uint8Array(31)]]))),
    bad('register', register().set('digests', new Map([['md5', digest]]))),
    bad('register', register().set('unknown', 1)),
    bad('register', register().set('subject', '')),
    bad('register', register().set('mediaType', 'Text/Plain')),
    bad('register', register().set('attributes', new Map([['1st', 'x']]))),
    bad('register', register().set('attributes', new Map([['x', 2n ** 60n]]))),
    bad('register', register().set('timestamps', [])),
    bad('register', register().set('onBehalfOf', digest)),
    bad(
      'register-batch',
      new Map<string, CborValue>([
        ['root', digest],
        ['count', 1_048_577],
      ]),
    ),
    bad('register-schema', schema({ type: 'number' })),
    bad('register-schema', schema({ type: 'string', pattern: '^a' })),
    bad('register-schema', schema({ type: 'boolean', 'x-indexed': false })),
    bad('register-schema', schema({ type: 'string', enum: [] })),
    bad('certify', certify().set('level', 'platinum')),
    bad('certify', new Map([...certify()].filter(([name]) => name !== 'terms'))),
    bad('admit-partner', admit().set('permissions', [])),
    bad('admit-partner', admit().set('permissions', ['admin'])),
    bad('admit-partner', new Map([...admit()].filter(([name]) => name !== 'legal'))),
    bad('admit-partner', admit().set('key', [4, new Uint8Array(32)])),
    bad('transaction', withPart(1, new Map([[5, 1]]))),
    bad('transaction', withPart(3, new Uint8Array(63))),
    bad('transaction', withPart(2, encode([digest, 5, []]))),
    bad('transaction', withPart(2, encode([digest, -5, [['a.b', null]]]))),
    bad('transaction', withPart(0, encode(new Map([...header, [99, 1]])))),
    bad('transaction', withPart(0, encode(new Map([...header].filter(([label]) => label !== -70_001))))),
    bad('transaction', withPart(0, encode(new Map([...header, [1, -35]])))),
    bad('genesis', new Tag(18, [genesis[0]!, new Map(), encode(document.set('protocolVersion', 2)), genesis[3]!])),
    bad('result', [0, 64, 5, 1, digest]),
    bad('result', [10_000, null, 5, 1, digest]),
    bad('state-key', ['account', digest]),
    bad('state-key', ['balance', digest]),
    bad('account', new Map<string, CborValue>([['kind', 'admin']])),
    bad('subject-head', [0, digest, 1]),
  ];
}

describe('CDDL of docs/spec', () => {
  beforeAll(async () => {
    expect(existsSync(python), `${python} is missing: run npm test, which sets it up`).toBe(true);
    world = await World.open({ parameters: { expiryWindow: 20, nonceRetention: 2 } });
    samples = await collect();
  });

  test('matches everything that a chain signs, stores and proves', async () => {
    expect(samples.length).toBeGreaterThan(60);
    expect(await check(samples)).toEqual([]);
  });

  test('does not match what is refused', async () => {
    expect(await check(wrongOnes())).toEqual([]);
  });
});
