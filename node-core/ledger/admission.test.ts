import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Actor, bytesOf, crypto, evidenceBody, keyPair, op, TABLE, World } from '../../test/ledger/world.ts';
import { type CborValue, Tag } from '../codec/cbor.ts';
import { admissionRefusal, parseTransaction, senderRefusal, transactionCost } from './admission.ts';

let world: World;
let partner: Actor;
beforeEach(async () => {
  world = await World.open({ parameters: { expiryWindow: 20 } });
  partner = await world.partner('partner', { quota: { max: 10_000, periodMs: 86_400_000 } });
});
const operations = [op.register(evidenceBody('a', { subject: 'lot' })), op.register(evidenceBody('b'))];
const parameters = () => world.genesis.document.parameters;
const context = () => ({
  state: world.store,
  parameters: parameters(),
  height: world.next,
  timeMs: world.store.timeMs + 1,
});

describe('parsing', () => {
  const parse = (bytes: Uint8Array) => parseTransaction(crypto, bytes, world.genesis.hash, 1, TABLE);

  test('binds each operation to its type', () => {
    const parsed = parse(world.transaction(partner, operations));
    expect('code' in parsed ? parsed : parsed.operations.map((o) => [o.type, o.stateEntries])).toEqual([
      ['evidence.register', 2],
      ['evidence.register', 1],
    ]);
  });

  test('names the operation and the field that are wrong', () => {
    const bad = [...operations, { type: 'evidence.register', body: new Map([['digest', bytesOf('x')]]) }];
    expect(parse(world.transaction(partner, bad))).toEqual({
      code: 'TX_BODY',
      detail: 'operations[2]: unknown field digest',
    });
    const unknown = [{ type: 'constructor', body: null }];
    expect(parse(world.transaction(partner, unknown))).toEqual({ code: 'TX_UNKNOWN_OPERATION', detail: 'constructor' });
  });
});

describe('hostile bodies', () => {
  const names = [
    ...['digests', 'subject', 'previous', 'attributes', 'provenance', 'timestamps', 'onBehalfOf', 'root', 'count'],
    ...['name', 'key', 'legal', 'permissions', 'quota', 'level', 'terms', 'validUntil', '__proto__', 'constructor'],
  ];
  const value: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc
        .bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n })
        .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
      fc.constantFrom('sha-256', 'realname', 'person', '1.0', 'evidence', ''),
      fc.constantFrom(20, 32, 64).map((length) => new Uint8Array(length)),
      fc.constantFrom<CborValue>(null, true, new Tag(1, 0)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 6 }).map((o) => new Map(Object.entries(o))),
    ),
  })).value;

  test('are bound or refused with TX_BODY, never thrown at the node (property)', () => {
    const types = fc.constantFrom(...TABLE.keys());
    fc.assert(
      fc.property(types, value, (type, body) => {
        const bytes = world.transaction(partner, [{ type, body }]);
        const parsed = parseTransaction(crypto, bytes, world.genesis.hash, 1, TABLE);
        if ('code' in parsed) expect(parsed.code).toBe('TX_BODY');
        else expect(parsed.operations).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the sender', () => {
  const refusalOf = (actor: Actor) =>
    senderRefusal(world.store, world.parse(world.transaction(actor, operations)).transaction);

  test('is the record in the state, when the key ID is that of its key', () => {
    expect(refusalOf(partner)).toMatchObject({ kind: 'partner', name: 'partner' });
    expect(refusalOf({ ...partner, key: keyPair('x').publicKey })).toEqual({ code: 'KEY_MISMATCH' });
    expect(refusalOf({ ...partner, id: bytesOf('x', 20) })).toEqual({ code: 'SENDER_UNKNOWN' });
  });

  test('a validator does not send under its consensus key', () => {
    const { consensusKey } = world.genesis.document.validators[0]!;
    expect(refusalOf({ ...world.validator, key: consensusKey })).toEqual({ code: 'KEY_MISMATCH' });
  });
});

describe('expiry', () => {
  test.each([
    ['one behind', -1, 'EXPIRED'],
    ['this very height', 0, undefined],
    ['as far as the window', 20, undefined],
    ['one further', 21, 'EXPIRY_TOO_FAR'],
  ])('%s', (_what, offset, code) => {
    const parsed = world.parse(world.transaction(partner, operations, { expiry: world.next + offset }));
    expect(admissionRefusal(context(), parsed, world.account(partner), 1_000_000)?.code).toBe(code);
  });
});

describe('cost and reservation', () => {
  test('100 an operation, 1 a byte, 50 an entry (its nonce included), 50 the signature, 10 the distance', () => {
    const bytes = world.transaction(partner, operations);
    const cost = transactionCost(world.parse(bytes), parameters(), world.next);
    expect(cost).toBe(2 * 100 + bytes.length + 50 * (2 + 1 + 1) + 50 + 10);
  });

  test('the nearer the expiry, the cheaper, never below the price without distance', () => {
    const parsed = world.parse(world.transaction(partner, operations, { expiry: world.next }));
    const at = (height: number) => transactionCost(parsed, parameters(), height);
    expect(at(world.next - 1) - at(world.next)).toBe(10);
    expect(at(world.next + 5)).toBe(at(world.next));
  });

  test('all points are needed, and no more', () => {
    const parsed = world.parse(world.transaction(partner, operations));
    const cost = transactionCost(parsed, parameters(), world.next);
    const refused = (points: number) => admissionRefusal(context(), parsed, world.account(partner), points);
    expect(refused(cost)).toBeNull();
    expect(refused(cost - 1)).toEqual({ code: 'QUOTA_SHORT', detail: `cost ${cost}, available ${cost - 1}` });
    expect(refused(-5)?.detail).toBe(`cost ${cost}, available 0`);
  });
});
