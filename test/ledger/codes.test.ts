// Every code that a transaction can meet, each from a real submission or a real block; and which code wins when several
// rules are broken at once.
import { beforeEach, describe, expect, test } from 'vitest';
import { CODES, type CodeName, type Refusal } from '../../node-core/chain/codes.ts';
import { type RegisterSchema, schemaId } from '../../node-core/chain/operations/record-schema.ts';
import {
  MAX_NODES,
  REGISTER_NODE,
  registerNodeBody,
  UNREGISTER_NODE,
  unregisterNodeBody,
} from '../../node-core/chain/operations/register-node.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import { concat } from '../../node-core/codec/bytes.ts';
import { type CborValue, decode, encode, Tag } from '../../node-core/codec/cbor.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import { Submission } from '../../node-core/runtime/submission.ts';
import { Telemetry } from '../../node-core/runtime/telemetry.ts';
import { setChange } from './set-changes.ts';
import {
  type Actor,
  bytesOf,
  crypto,
  evidenceBody,
  keyPair,
  op,
  partnerBody,
  seeded,
  TABLE,
  type TransactionFields,
  userBody,
  World,
} from './world.ts';

/** A world with a partner, and the way into its mempool. */
interface Scene {
  readonly world: World;
  readonly submission: Submission;
  readonly mempool: Mempool;
  readonly partner: Actor;
  readonly partnerKeys: KeyPair;
}

const POOR = { max: 500, periodMs: 366 * 86_400_000 };

async function scene(): Promise<Scene> {
  const world = await World.open({ parameters: { expiryWindow: 20, nonceRetention: 2 } });
  const partner = await world.partner('partner');
  const mempool = new Mempool({ maxTransactions: 3, maxOperations: 1_000, maxBytes: 1 << 20 });
  const clock = { now: () => world.store.timeMs + 500 } as never;
  const submission = new Submission({
    crypto,
    store: world.store,
    mempool,
    verifier: {
      verify: async (checks) => checks.map(({ key, message, signature }) => crypto.verify(key, message, signature)),
      close: async () => {},
    },
    table: TABLE,
    clock,
    telemetry: new Telemetry({ crypto, clock, mempool }),
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: (message) => expect.unreachable(message) },
  });
  return { world, submission, mempool, partner, partnerKeys: keyPair('partner') };
}

async function submitted(at: Scene, bytes: Uint8Array): Promise<CodeName | 'accepted'> {
  const outcome = await at.submission.submit(bytes);
  return 'code' in outcome ? outcome.code : 'accepted';
}

/** A properly signed transaction of the partner. */
function signed(at: Scene, operations: readonly Operation[], fields: TransactionFields = {}): Uint8Array {
  return at.world.transaction(at.partner, operations, { signWith: at.partnerKeys, ...fields });
}

const REGISTER_ONE = [op.register(evidenceBody('file'))];

/** Rewrites parts of the COSE_Sign1: [protected, unprotected, payload, signature]. */
function rewritten(bytes: Uint8Array, change: (parts: CborValue[]) => CborValue[]): Uint8Array {
  const sign1 = decode(bytes) as Tag;
  return encode(new Tag(18, change([...(sign1.value as CborValue[])])));
}

function withPayload(bytes: Uint8Array, payload: CborValue): Uint8Array {
  return rewritten(bytes, ([head, unprotected, , signature]) => [head!, unprotected!, encode(payload), signature!]);
}

/** What each code takes, by Submission: nothing is packed. */
const REFUSED: Partial<Record<CodeName, (at: Scene) => Promise<CodeName | 'accepted'>>> = {
  TX_TOO_LARGE: (at) => submitted(at, new Uint8Array(65_536)),
  TX_MALFORMED: (at) => submitted(at, signed(at, REGISTER_ONE).slice(0, -1)),
  TX_NON_CANONICAL: (at) => {
    // The tag number 18 in two bytes instead of one.
    const bytes = signed(at, REGISTER_ONE);
    return submitted(at, concat(Uint8Array.of(0xd8, 18), bytes.slice(1)));
  },
  TX_SCHEMA: (at) => submitted(at, withPayload(signed(at, REGISTER_ONE), [bytesOf('n'), 5, [], 'one field more'])),
  TX_WRONG_CHAIN: (at) => submitted(at, signed(at, REGISTER_ONE, { chain: bytesOf('another chain') })),
  TX_WRONG_VERSION: (at) => submitted(at, signed(at, REGISTER_ONE, { protocolVersion: 2 })),
  TX_UNKNOWN_OPERATION: (at) => submitted(at, signed(at, [{ type: 'evidence.forget', body: null }])),
  TX_BODY: (at) => submitted(at, signed(at, [{ type: 'evidence.register', body: new Map([['digests', 'none']]) }])),
  SENDER_UNKNOWN: (at) => {
    const stranger = { id: bytesOf('nobody', 20), key: at.partnerKeys.publicKey };
    return submitted(at, at.world.transaction(stranger, REGISTER_ONE, { signWith: at.partnerKeys }));
  },
  KEY_MISMATCH: (at) => submitted(at, signed(at, REGISTER_ONE, { signWith: keyPair('somebody') })),
  SIGNATURE_INVALID: (at) => submitted(at, at.world.transaction(at.partner, REGISTER_ONE)),
  EXPIRED: (at) => submitted(at, signed(at, REGISTER_ONE, { expiry: at.world.store.height })),
  EXPIRY_TOO_FAR: (at) => submitted(at, signed(at, REGISTER_ONE, { expiry: at.world.next + 21 })),
  NONCE_USED: async (at) => {
    const bytes = signed(at, REGISTER_ONE);
    await at.world.applied(bytes);
    return submitted(at, bytes);
  },
  NOT_PERMITTED: (at) => submitted(at, signed(at, [op.admit(partnerBody('second'))])),
  QUOTA_SHORT: async (at) => {
    const poor = await at.world.partner('poor', { quota: POOR });
    return submitted(at, at.world.transaction(poor, REGISTER_ONE, { signWith: keyPair('poor') }));
  },
  MEMPOOL_FULL: async (at) => {
    for (let i = 0; i < 3; i++) expect(await submitted(at, signed(at, REGISTER_ONE))).toBe('accepted');
    return submitted(at, signed(at, REGISTER_ONE));
  },
};

const weighed: RegisterSchema = {
  name: 'weighed',
  schema: {
    type: 'object',
    properties: new Map([['weight_g', { type: 'integer', minimum: 0 }]]),
    required: ['weight_g'],
    additionalProperties: false,
  },
};
const subject = 'lot 7';
const forUser = (user: Actor) => [op.register(evidenceBody('x', { onBehalfOf: user.id }))];

/** What each code takes, by a block: packed, rejected, charged. */
const REJECTED: Partial<Record<CodeName, (at: Scene) => Promise<readonly Operation[]> | readonly Operation[]>> = {
  NAME_TAKEN: async ({ world, partner }) => {
    await world.user(partner, 'ann', { name: 'Ann' });
    return [op.certify(userBody('ann 2', { name: 'aNN' }))];
  },
  KEY_IN_USE: async ({ world, partner }) => {
    await world.user(partner, 'ann');
    return [op.certify(userBody('ann'))];
  },
  LEVEL_NOT_ALLOWED: () => [op.certify(userBody('firm', { subject: 'organisation', level: 'anonymous' }))],
  VALIDITY_PASSED: ({ world }) => [op.certify(userBody('ann', { validUntil: world.store.timeMs + 1_000 }))],
  SET_HEIGHT: (at) => [powerChange(at, { effectiveHeight: at.world.store.height })],
  SET_PENDING: async (at) => {
    const { world } = at;
    await world.applied(world.transaction(world.operator, [powerChange(at, { effectiveHeight: world.next + 9 })]));
    return [powerChange(at, { effectiveHeight: world.next + 5 })];
  },
  SET_INVALID: (at) => [powerChange(at, { power: 1 })],
  SET_ACCOUNT: (at) => [powerChange(at, { id: at.partner.id })],
  SET_NOT_APPROVED: (at) => [powerChange(at, { approver: keyPair('somebody') })],
  NODE_TAKEN: ({ world }) => [register(world.genesis.document.validators[0]!.nodeKey)],
  NODES_FULL: async ({ world, partner }) => {
    const nodes = Array.from({ length: MAX_NODES }, (_, i) => register(bytesOf(`node ${i}`)));
    await world.applied(world.transaction(partner, nodes));
    return [register(bytesOf('one more'))];
  },
  NODE_UNKNOWN: () => [{ type: UNREGISTER_NODE, body: unregisterNodeBody.encode({ nodeKey: bytesOf('node') }) }],
  SUBJECT_MISSING: () => [op.register(evidenceBody('x', { previous: bytesOf('record') }))],
  PREVIOUS_MISMATCH: () => [op.register(evidenceBody('x', { subject, previous: bytesOf('record') }))],
  USER_UNKNOWN: () => [op.register(evidenceBody('x', { onBehalfOf: bytesOf('nobody', 20) }))],
  USER_NOT_CERTIFIED: async ({ world }) => forUser(await world.user(await world.partner('other'), 'ann')),
  USER_LEVEL: async ({ world, partner }) => forUser(await world.user(partner, 'ann', { level: 'registered' })),
  USER_LAPSED: async (at) => {
    const validUntil = at.world.store.timeMs + 1_500;
    return forUser(await at.world.user(at.partner, 'ann', { level: 'anonymous', validUntil }));
  },
  SCHEMA_UNKNOWN: () => [op.register(evidenceBody('x', { schema: bytesOf('no schema') }))],
  SCHEMA_MISMATCH: async ({ world, partner }) => {
    await world.applied(world.transaction(partner, [op.registerSchema(weighed)]));
    return [op.register(evidenceBody('x', { schema: schemaId(crypto, partner.id, weighed) }))];
  },
  SCHEMA_KNOWN: async ({ world, partner }) => {
    await world.applied(world.transaction(partner, [op.registerSchema(weighed)]));
    return [op.registerSchema(weighed)];
  },
};

const register = (nodeKey: Uint8Array): Operation => ({
  type: REGISTER_NODE,
  body: registerNodeBody.encode({ nodeKey }),
});

/** The only validator approves another power for itself, or something worse. */
function powerChange(
  { world }: Scene,
  bad: { effectiveHeight?: number; power?: number; id?: Uint8Array; approver?: KeyPair },
): Operation {
  const [validator] = world.store.validators.validators;
  const { effectiveHeight = world.next + 1, power = 2, id = validator!.id } = bad;
  const approvers = [{ index: 0, key: bad.approver ?? world.members.validators[0]! }];
  return setChange(world.store, { validators: [{ ...validator!, power, id }], effectiveHeight, approvers });
}

describe('every code of a transaction', () => {
  let at: Scene;
  beforeEach(async () => {
    at = await scene();
  });

  const codesBetween = (from: number, to: number) =>
    Object.entries(CODES)
      .filter(([, { number }]) => number >= from && number <= to)
      .map(([name]) => name);

  test('there is a case here for each of them', () => {
    expect(Object.keys(REFUSED).sort()).toEqual(codesBetween(1001, 1199).sort());
    expect(Object.keys(REJECTED).sort()).toEqual(codesBetween(2000, 2999).sort());
  });

  test('what breaks no rule is accepted', async () => {
    expect(await submitted(at, signed(at, REGISTER_ONE))).toBe('accepted');
  });

  test.each(Object.entries(REFUSED))('%s: refused at submission, no trace anywhere', async (code, attempt) => {
    expect(await attempt(at)).toBe(code);
    expect(at.mempool.size).toBe(code === 'MEMPOOL_FULL' ? 3 : 0);
  });

  test.each(Object.entries(REJECTED))('%s: packed with the rejection, charged, without effect', async (code, make) => {
    const operations = await make(at);
    const before = at.world.execute([]).executed;
    // Partners have no part in the set.
    const sender = code.startsWith('SET_') ? at.world.operator : at.partner;
    const bytes = at.world.transaction(sender, operations);
    const { executed, refusals } = await at.world.block([bytes]);
    expect(refusals).toEqual([null]);
    const [number, operation, points, logIndex] = executed.results[0]!;
    expect({ number, operation, logIndex }).toEqual({
      number: CODES[code as CodeName].number,
      operation: 0,
      logIndex: null,
    });
    expect(points).toBeGreaterThan(0);
    expect(executed.events).toEqual([]);
    expect(executed.header.logSize).toBe(before.header.logSize);
    // Its entry and its sender's quota are all that it leaves behind.
    const families = executed.changes.map(({ key }) => (decode(key) as string[])[0]);
    expect(families.sort()).toEqual(['quota', 'tx']);
  });

  test.each(['EXPIRED', 'EXPIRY_TOO_FAR', 'NONCE_USED', 'NOT_PERMITTED', 'QUOTA_SHORT'] as const)(
    '%s: a block with such a transaction is refused by execution too',
    async (code) => {
      const { world, partner } = at;
      const poor = await world.partner('poor', { quota: POOR });
      const used = world.transaction(partner, REGISTER_ONE);
      await world.applied(used);
      const bytes = {
        EXPIRED: () => world.transaction(partner, REGISTER_ONE, { expiry: world.store.height }),
        EXPIRY_TOO_FAR: () => world.transaction(partner, REGISTER_ONE, { expiry: world.next + 21 }),
        NONCE_USED: () => used,
        NOT_PERMITTED: () => world.transaction(partner, [op.admit(partnerBody('second'))]),
        QUOTA_SHORT: () => world.transaction(poor, REGISTER_ONE),
      }[code]();
      expect(world.execute([bytes]).refusals[0]?.code).toBe(code);
    },
  );
});

describe('precedence: the lower number wins', () => {
  let at: Scene;
  beforeEach(async () => {
    at = await scene();
  });

  const otherChain = bytesOf('another chain');
  const unknown: Operation = { type: 'evidence.forget', body: null };
  const badBody: Operation = { type: 'evidence.register', body: null };

  test('size before form', async () => {
    expect(await submitted(at, new Uint8Array(65_536).fill(0xff))).toBe('TX_TOO_LARGE');
  });

  test.each([
    ['TX_SCHEMA', 'chain', (at: Scene) => withPayload(signed(at, [unknown], { chain: otherChain }), ['short'])],
    ['TX_WRONG_CHAIN', 'version', (at: Scene) => signed(at, [unknown], { chain: otherChain, protocolVersion: 9 })],
    ['TX_WRONG_VERSION', 'operation', (at: Scene) => signed(at, [unknown], { protocolVersion: 9 })],
    ['TX_UNKNOWN_OPERATION', 'body of an operation before it', (at: Scene) => signed(at, [badBody, unknown])],
    [
      'TX_BODY',
      'sender',
      (at: Scene) => at.world.transaction({ id: bytesOf('nobody', 20), key: keyPair('x').publicKey }, [badBody]),
    ],
    [
      'SENDER_UNKNOWN',
      'key',
      (at: Scene) => at.world.transaction({ id: bytesOf('nobody', 20), key: keyPair('x').publicKey }, REGISTER_ONE),
    ],
    [
      'KEY_MISMATCH',
      'signature',
      (at: Scene) => at.world.transaction({ ...at.partner, key: keyPair('x').publicKey }, REGISTER_ONE),
    ],
    ['SIGNATURE_INVALID', 'expiry', (at: Scene) => at.world.transaction(at.partner, REGISTER_ONE, { expiry: 0 })],
    ['EXPIRED', 'permission', (at: Scene) => signed(at, [op.admit(partnerBody('second'))], { expiry: 0 })],
    ['EXPIRY_TOO_FAR', 'permission', (at: Scene) => signed(at, [op.admit(partnerBody('second'))], { expiry: 999 })],
  ] as const)('%s before %s', async (code, _below, make) => {
    expect(await submitted(at, make(at))).toBe(code);
  });

  test('EXPIRED before NONCE_USED, while the nonce is still kept', async () => {
    const bytes = signed(at, REGISTER_ONE, { expiry: at.world.next });
    await at.world.applied(bytes);
    expect(await submitted(at, bytes)).toBe('EXPIRED');
  });

  test('NONCE_USED before NOT_PERMITTED before QUOTA_SHORT', async () => {
    const poor = await at.world.partner('poor', { quota: { max: 800, periodMs: 366 * 86_400_000 } });
    const keys = keyPair('poor');
    const nonce = bytesOf('the nonce');
    await at.world.applied(at.world.transaction(poor, REGISTER_ONE, { nonce }));
    const admit = [op.admit(partnerBody('second'))];
    const send = (fields: TransactionFields, operations = admit) =>
      submitted(at, at.world.transaction(poor, operations, { signWith: keys, ...fields }));
    expect(await send({ nonce })).toBe('NONCE_USED');
    expect(await send({})).toBe('NOT_PERMITTED');
    expect(await send({}, REGISTER_ONE)).toBe('QUOTA_SHORT');
  });

  test.each([
    [
      'NAME_TAKEN',
      { name: 'ann', key: keyPair('ann').publicKey, subject: 'organisation', level: 'phone', validUntil: 1 },
    ],
    ['KEY_IN_USE', { key: keyPair('ann').publicKey, subject: 'organisation', level: 'phone', validUntil: 1 }],
    ['LEVEL_NOT_ALLOWED', { subject: 'organisation', level: 'phone', validUntil: 1 }],
    ['VALIDITY_PASSED', { subject: 'organisation', level: 'realname', validUntil: 1 }],
  ] as const)('identity.certify: %s', async (code, fields) => {
    await at.world.user(at.partner, 'ann', { name: 'Ann' });
    const bytes = at.world.transaction(at.partner, [op.certify(userBody('new', fields))]);
    const { executed } = await at.world.block([bytes]);
    expect(executed.results[0]![0]).toBe(CODES[code].number);
  });

  test('evidence: 2201 to 2206', async () => {
    const { world, partner } = at;
    const validUntil = world.store.timeMs + 4_500;
    const lapsed = await world.user(partner, 'lapsed', { level: 'anonymous', validUntil });
    const low = await world.user(partner, 'low', { level: 'registered', validUntil });
    const other = await world.user(await world.partner('other'), 'of another', { level: 'registered', validUntil });
    const previous = bytesOf('no record');
    const rows = [
      ['SUBJECT_MISSING', { previous, onBehalfOf: bytesOf('nobody', 20) }],
      ['PREVIOUS_MISMATCH', { subject, previous, onBehalfOf: bytesOf('nobody', 20) }],
      ['USER_UNKNOWN', { subject, onBehalfOf: bytesOf('nobody', 20) }],
      ['USER_NOT_CERTIFIED', { onBehalfOf: other.id }],
      ['USER_LEVEL', { onBehalfOf: low.id }],
      ['USER_LAPSED', { onBehalfOf: lapsed.id }],
    ] as const;
    const bytes = rows.map(([, fields]) => world.transaction(partner, [op.register(evidenceBody('x', fields))]));
    const { executed } = await world.block(bytes);
    expect(executed.results.map(([code]) => code)).toEqual(rows.map(([code]) => CODES[code].number));
  });
});

test('a signature of another suite under the same key ID does not pass', async () => {
  const at = await scene();
  const p256 = generateKeyPair('p256', seeded('p256'));
  const bytes = at.world.transaction(at.partner, REGISTER_ONE, { signWith: p256 });
  const outcome = (await at.submission.submit(bytes)) as Refusal;
  expect(outcome.code).toBe('KEY_MISMATCH');
});
