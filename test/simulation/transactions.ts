/** What clients send, good and wrong. */
import type { CodeName } from '../../node-core/chain/codes.ts';
import { createdAccountId, genesisAccountId, type Pair, transactionStem } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { CERTIFY, certifyBody } from '../../node-core/chain/operations/certify.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  registerBatchBody,
  registerBody,
} from '../../node-core/chain/operations/evidence.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { decodeTransactionEntry, recordLeftBy } from '../../node-core/chain/transaction-entry.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import type { StateReader } from '../../node-core/ledger/state.ts';
import type { Chance } from './chance.ts';
import { signWith } from './fixture.ts';
import type { World } from './world.ts';

export interface Sent {
  what: string;
  readonly bytes: Uint8Array;
  readonly sender: Uint8Array;
  readonly nonce: Uint8Array;
  readonly expiry: number;
  /** It may be packed, and whoever refuses it for long is wrong. */
  readonly isGood: boolean;
  /** Codes of business rules that may reject it, depending on what came before. */
  readonly rejections: readonly CodeName[];
  /** Codes that every correct node answers with, whatever its height. */
  readonly refusal?: readonly string[];
  /** Its (sender, nonce) must be nowhere. */
  readonly leavesNoTrace: boolean;
  /** What is in the state exactly when it was applied. */
  readonly traces: readonly Trace[];
  /** What a certification makes possible. */
  readonly user?: { readonly id: Uint8Array; readonly key: KeyPair };
  state: 'sent' | 'final' | 'expired';
  acknowledgedAt?: number;
  wasRejected?: boolean;
}

export type Trace = (state: StateReader) => boolean;

const accountTrace =
  (id: Uint8Array): Trace =>
  (state) =>
    state.get(stateKey.account(id)) !== undefined;

function recordTrace(crypto: CryptoProvider, by: Pair, operation: number): Trace {
  const key = stateKey.transaction(transactionStem(crypto, by));
  return (state) => {
    const entry = state.get(key);
    return entry !== undefined && recordLeftBy(decodeTransactionEntry(entry), operation) !== undefined;
  };
}

export interface Author {
  readonly id: Uint8Array;
  readonly key: KeyPair;
}

export class TransactionMaker {
  private readonly world: World;
  private readonly chance: Chance;
  private readonly operator: Author;
  private partner: Author | null = null;
  private readonly window: number;

  constructor(world: World, chance: Chance) {
    this.world = world;
    this.chance = chance;
    const { operator, genesis } = world.consortium;
    this.operator = { id: genesisAccountId(world.crypto, operator.publicKey), key: operator };
    this.window = genesis.document.parameters.expiryWindow;
  }

  /** The operator admits a partner; the first one is the one that registers. */
  admission(height: number, name: string): Sent {
    const nonce = this.chance.bytes(32);
    const key = generateKeyPair('ed25519', (length) => this.chance.bytes(length));
    const expiry = height + this.window;
    const id = createdAccountId(this.world.crypto, { sender: this.operator.id, nonce, expiry }, 0);
    this.partner = { id, key };
    const body = {
      name,
      key: key.publicKey,
      legal: { version: '1', digest: this.chance.bytes(32) },
      permissions: ['identity', 'evidence'] as const,
      quota: { max: 1_000_000_000, periodMs: 86_400_000 },
    };
    const operations = [{ type: ADMIT_PARTNER, body: admitPartnerBody.encode(body) }];
    const made = this.make(`admission of ${name}`, this.operator, { nonce, expiry, operations });
    return { ...made, traces: [accountTrace(id)] };
  }

  /** An operation of a company or of the operator; its accounts are kept elsewhere. */
  governance(
    what: string,
    author: Author | null,
    expiry: number,
    operation: Operation,
    rejections: readonly CodeName[],
  ) {
    const nonce = this.chance.bytes(32);
    const made = this.make(what, author ?? this.operator, { nonce, expiry, operations: [operation] });
    return { ...made, rejections };
  }

  good(height: number, final: readonly Sent[]): Sent {
    const expiry = height + 1 + (this.chance.is(0.2) ? this.chance.below(4) : this.chance.below(this.window - 1));
    const users = final.filter(({ user, wasRejected }) => user !== undefined && wasRejected !== true);
    if (users.length < 3 || this.chance.is(0.05)) return this.certification(expiry);
    const roll = this.chance.unit();
    if (roll < 0.2) return this.evidence(this.chance.pick(users).user!, expiry, 1);
    if (roll < 0.3) return this.batch(expiry);
    if (roll < 0.4) return this.rejectable(expiry);
    return this.evidence(this.partner!, expiry, roll < 0.5 ? 3 : 1);
  }

  private certification(expiry: number): Sent {
    const nonce = this.chance.bytes(32);
    const suite = this.chance.is(0.2) ? 'p256' : 'ed25519';
    const key = generateKeyPair(suite, (length) => this.chance.bytes(length));
    const body = {
      key: key.publicKey,
      subject: 'person' as const,
      level: 'realname' as const,
      terms: this.chance.bytes(32),
    };
    const made = this.make('certification', this.partner!, {
      nonce,
      expiry,
      operations: [{ type: CERTIFY, body: certifyBody.encode(body) }],
    });
    const id = createdAccountId(this.world.crypto, made, 0);
    return { ...made, user: { id, key }, traces: [accountTrace(id)] };
  }

  private evidence(author: Author, expiry: number, count: number): Sent {
    const nonce = this.chance.bytes(32);
    const operations = Array.from({ length: count }, () =>
      this.registration({ subject: `lot ${this.chance.below(5)}` }),
    );
    const made = this.make('evidence', author, { nonce, expiry, operations });
    return { ...made, traces: operations.map((_, i) => recordTrace(this.world.crypto, made, i)) };
  }

  private registration(fields: { readonly subject?: string; readonly previous?: Uint8Array }): Operation {
    const size = this.chance.is(0.05) ? 900 : 20;
    const attributes = new Map([['note', 'x'.repeat(size)]]);
    const body = { digests: new Map([['sha-256' as const, this.chance.bytes(32)]]), attributes, ...fields };
    return { type: REGISTER, body: registerBody.encode(body) };
  }

  private batch(expiry: number): Sent {
    const nonce = this.chance.bytes(32);
    const body = registerBatchBody.encode({ root: this.chance.bytes(32), count: 1 + this.chance.below(1_000) });
    const made = this.make('batch', this.partner!, { nonce, expiry, operations: [{ type: REGISTER_BATCH, body }] });
    return { ...made, traces: [recordTrace(this.world.crypto, made, 0)] };
  }

  /** Two records of which the second names a wrong predecessor: packed, rejected, without any effect. */
  private rejectable(expiry: number): Sent {
    const nonce = this.chance.bytes(32);
    const operations = [this.registration({}), this.registration({ subject: 'lot', previous: this.chance.bytes(32) })];
    const made = this.make('broken chain of records', this.partner!, { nonce, expiry, operations });
    const trace = recordTrace(this.world.crypto, made, 0);
    return { ...made, rejections: ['KEY_IN_USE', 'NAME_TAKEN', 'PREVIOUS_MISMATCH'], traces: [trace] };
  }

  wrong(height: number, final: readonly Sent[]): Sent {
    const partner = this.partner!;
    const operations = [this.registration({})];
    const fields = { nonce: this.chance.bytes(32), expiry: height + this.window, operations };
    const stranger = { id: this.chance.bytes(20), key: this.operator.key };
    // What a node that is behind or ahead may say first.
    const behind = ['SENDER_UNKNOWN', 'EXPIRED', 'EXPIRY_TOO_FAR'];
    switch (this.chance.below(9)) {
      case 0:
        return this.spoilt('a flipped bit', this.make('', partner, fields));
      case 1:
        return wrong('an unknown sender', this.make('', stranger, fields), ['SENDER_UNKNOWN']);
      case 2:
        return wrong("another's key", this.make('', { id: partner.id, key: this.operator.key }, fields), [
          'KEY_MISMATCH',
          ...behind,
        ]);
      case 3:
        return wrong('an expired one', this.make('', partner, { ...fields, expiry: 0 }), ['EXPIRED', ...behind]);
      case 4:
        return wrong('a far expiry', this.make('', partner, { ...fields, expiry: height + 1_000_000 }), [
          'EXPIRY_TOO_FAR',
          ...behind,
        ]);
      case 5:
        return wrong('one not permitted', this.make('', this.operator, fields), ['NOT_PERMITTED', ...behind]);
      case 6:
        return this.garbage(fields);
      case 7:
        return wrong('one for another chain', this.make('', partner, { ...fields, chain: this.chance.bytes(32) }), [
          'TX_WRONG_CHAIN',
        ]);
      default:
        return this.again(final);
    }
  }

  private spoilt(what: string, made: Sent): Sent {
    const bytes = made.bytes.slice();
    bytes[bytes.length - 1 - this.chance.below(60)]! ^= 1 << this.chance.below(8);
    return wrong(what, { ...made, bytes }, ['SIGNATURE_INVALID', 'SENDER_UNKNOWN']);
  }

  private garbage(fields: {
    readonly nonce: Uint8Array;
    readonly expiry: number;
    readonly operations: readonly Operation[];
  }): Sent {
    const made = this.make('', this.partner!, fields);
    const bytes = this.chance.bytes(this.chance.below(400));
    return wrong('garbage', { ...made, bytes }, ['TX_MALFORMED', 'TX_NON_CANONICAL', 'TX_SCHEMA', 'TX_TOO_LARGE']);
  }

  /** The same bytes again, or other bytes for the same (sender, nonce) and expiry: at most one may ever be packed. */
  private again(final: readonly Sent[]): Sent {
    const before = this.chance.pick(final);
    const replay: Sent = {
      ...before,
      what: 'a replay',
      isGood: false,
      state: 'sent',
      leavesNoTrace: false,
      traces: [],
    };
    if (before.sender !== this.partner!.id || this.chance.is(0.5)) return replay;
    const { nonce, expiry } = before;
    const again = this.make('a second use of a nonce', this.partner!, {
      nonce,
      expiry,
      operations: [this.registration({})],
    });
    return { ...again, isGood: false };
  }

  private make(
    what: string,
    author: Author,
    fields: {
      readonly nonce: Uint8Array;
      readonly expiry: number;
      readonly operations: readonly Operation[];
      readonly chain?: Uint8Array;
    },
  ): Sent {
    const { crypto, consortium } = this.world;
    const draft = {
      chain: consortium.genesis.hash,
      protocolVersion: 1,
      label: 'simulation',
      sender: author.id,
      ...fields,
    };
    const unsigned = prepareTransaction(crypto, draft, author.key.publicKey);
    const bytes = finishTransaction(unsigned, signWith(author.key, unsigned.message));
    const { nonce, expiry } = fields;
    const basics = { what, bytes, sender: author.id, nonce, expiry };
    return { ...basics, isGood: true, rejections: [], leavesNoTrace: false, traces: [], state: 'sent' };
  }
}

function wrong(what: string, made: Sent, refusal: readonly string[]): Sent {
  return { ...made, what, isGood: false, leavesNoTrace: true, traces: [], refusal };
}
