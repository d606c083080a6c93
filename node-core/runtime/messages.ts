/** What nodes say to each other: deterministic CBOR arrays, the first item naming the kind. Limits are in the schemas. */
import { MAX_BLOCK_BYTES, MAX_HEADER_BYTES } from '../chain/block.ts';
import { MAX_ROUND, SIGNATURE_BYTES } from '../chain/certificate.ts';
import { validRound } from '../chain/equivocation.ts';
import { hash32 } from '../chain/identifiers.ts';
import { PROOF_LIMITS } from '../chain/receipt.ts';
import { MAX_TRANSACTION_BYTES } from '../chain/transaction.ts';
import { MAX_VALIDATORS } from '../chain/validator-set.ts';
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import {
  array,
  bytes,
  fixedBytes,
  type Infer,
  literal,
  nullable,
  oneOf,
  type Schema,
  tuple,
  uint,
} from '../codec/schema.ts';

/** Length of a SHA-256. */
export const DIGEST_BYTES = 32;
export const MAX_MESSAGE_BYTES = 8 << 20;
/** A certificate of all validators and the results of a full block. */
export const MAX_COMMIT_BYTES = 700_000;
/** Most bytes of blocks in one answer to a catching-up node; a single block may be larger. */
export const MAX_BLOCKS_BYTES = 4 << 20;
export const MAX_BLOCKS = 64;

/** The most items that a message of the forms below has: 10,000 transactions, and what is around them. */
const LIMITS: DecodeLimits = { maxBytes: MAX_MESSAGE_BYTES, maxDepth: 8, maxItems: 12_000 };

const round = uint({ max: MAX_ROUND });
const validator = uint({ max: MAX_VALIDATORS - 1 });
const signature = fixedBytes(SIGNATURE_BYTES);
const block = bytes({ min: 1, max: MAX_BLOCK_BYTES });
const MAX_TRANSACTIONS = 10_000;
const transaction = bytes({ min: 1, max: MAX_TRANSACTION_BYTES });

/** [0 prevote | 1 precommit, height, round, [header hash, log root] or nil, validator, key, signature]. */
export const wireVote = tuple(
  oneOf(0, 1),
  uint({ min: 1 }),
  round,
  nullable(tuple(hash32, hash32)),
  validator,
  oneOf(0, 1),
  signature,
);
export type WireVote = Infer<typeof wireVote>;
const voteList = array(wireVote, { min: 1, max: 4 * MAX_VALIDATORS });

const kinds = {
  /** First on each connection: chain and height. */
  hello: tuple(literal('hello'), hash32, uint()),
  /** Once a second and after each block: height of the newest block. */
  status: tuple(literal('status'), uint()),
  /** With each status: how many transactions, bytes and operations the peer may send before it hears of us again. */
  room: tuple(literal('room'), uint(), uint(), uint()),
  transactions: tuple(literal('transactions'), array(transaction, { min: 1, max: MAX_TRANSACTIONS })),
  /** Height, round, valid round, proposer, its key, signature, block, the polka of the valid round. */
  proposal: tuple(
    literal('proposal'),
    uint({ min: 1 }),
    round,
    validRound,
    validator,
    oneOf(0, 1),
    signature,
    block,
    array(wireVote, { max: MAX_VALIDATORS }),
  ),
  /**
   * A proposal whose block is given by its header, the SHA-256 of each of its transactions one after the other, and
   * those transactions that the others may not hold yet (compact-proposals.ts).
   */
  compactProposal: tuple(
    literal('compactProposal'),
    uint({ min: 1 }),
    round,
    validRound,
    validator,
    oneOf(0, 1),
    signature,
    tuple(
      bytes({ min: 1, max: MAX_HEADER_BYTES }),
      bytes({ max: MAX_TRANSACTIONS * DIGEST_BYTES }),
      array(transaction, { max: MAX_TRANSACTIONS }),
    ),
    array(wireVote, { max: MAX_VALIDATORS }),
  ),
  /** To its proposer: height, round, and the positions of the transactions that are wanted; none: the whole proposal. */
  getProposal: tuple(
    literal('getProposal'),
    uint({ min: 1 }),
    round,
    array(uint({ max: MAX_TRANSACTIONS - 1 }), { max: MAX_TRANSACTIONS }),
  ),
  /** The answer: height, round, the transactions. */
  proposalParts: tuple(
    literal('proposalParts'),
    uint({ min: 1 }),
    round,
    array(transaction, { min: 1, max: MAX_TRANSACTIONS }),
  ),
  /** Votes that belong together (see consensus/selectors.ts). */
  votes: tuple(literal('votes'), voteList),
  /** First height wanted. */
  getBlocks: tuple(literal('getBlocks'), uint({ min: 1 })),
  /** [block, commit] as they are stored: the commit is [certificate, results] (see stored-block.ts). */
  blocks: tuple(literal('blocks'), array(tuple(block, bytes({ min: 1, max: MAX_COMMIT_BYTES })), { max: MAX_BLOCKS })),
  /** Evidence of equivocation (chain/equivocation.ts), once from everybody who has not seen it before. */
  equivocation: tuple(literal('equivocation'), bytes({ min: 1, max: PROOF_LIMITS.maxBytes })),
} as const;

export type Message = { [K in keyof typeof kinds]: Infer<(typeof kinds)[K]> }[keyof typeof kinds];
export type MessageOf<K extends keyof typeof kinds> = Infer<(typeof kinds)[K]>;

export function encodeMessage(message: Message): Uint8Array {
  return encode((kinds[message[0]] as Schema<Message>).encode(message));
}

/** @throws {CodecError} for anything but exactly one message. */
export function decodeMessage(input: Uint8Array): Message {
  const value = decode(input, LIMITS);
  const kind = Array.isArray(value) ? value[0] : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind))
    throw new CodecError('schema', 'unknown kind of message');
  return (kinds[kind as keyof typeof kinds] as Schema<Message>).decode(value, kind);
}

/** What consensus needs at once, and the greeting, before which nothing counts. */
const URGENT: ReadonlySet<string> = new Set<keyof typeof kinds>([
  'hello',
  'proposal',
  'compactProposal',
  'getProposal',
  'proposalParts',
  'votes',
]);

/** Whether a message that was encoded here is to go before others that wait for the same peer. */
export function isUrgent(message: Uint8Array): boolean {
  // The head of the array, the head of the text (all kinds are shorter than 24 bytes), the text.
  const end = 2 + (message[1]! & 0x1f);
  return URGENT.has(String.fromCharCode(...message.subarray(2, end)));
}
