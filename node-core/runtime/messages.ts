/** What nodes say to each other: deterministic CBOR arrays, the first item naming the kind. Limits are in the schemas. */
import { MAX_BLOCK_BYTES } from '../chain/block.ts';
import { MAX_ROUND, SIGNATURE_BYTES } from '../chain/certificate.ts';
import { hash32 } from '../chain/identifiers.ts';
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

export const MAX_MESSAGE_BYTES = 8 << 20;
/** A certificate of all validators and the results of a full block. */
export const MAX_COMMIT_BYTES = 700_000;
/** Most bytes of blocks in one answer to a catching-up node; a single block may be larger. */
export const MAX_BLOCKS_BYTES = 4 << 20;
export const MAX_BLOCKS = 64;

const LIMITS: DecodeLimits = { maxBytes: MAX_MESSAGE_BYTES, maxDepth: 8, maxItems: 200_000 };

const round = uint({ max: MAX_ROUND });
const validator = uint({ max: MAX_VALIDATORS - 1 });
const signature = fixedBytes(SIGNATURE_BYTES);
const block = bytes({ min: 1, max: MAX_BLOCK_BYTES });

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

/** −1, or the round of the polka. */
const validRound: Schema<number> = {
  decode: (value, path) => (value === -1 ? -1 : round.decode(value, path)),
  encode: (value) => value,
};

const kinds = {
  /** First on each connection: chain and height. */
  hello: tuple(literal('hello'), hash32, uint()),
  /** Once a second and after each block: height of the newest block. */
  status: tuple(literal('status'), uint()),
  transactions: tuple(
    literal('transactions'),
    array(bytes({ min: 1, max: MAX_TRANSACTION_BYTES }), { min: 1, max: 10_000 }),
  ),
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
  /** Votes that belong together (see consensus/selectors.ts). */
  votes: tuple(literal('votes'), voteList),
  /** First height wanted. */
  getBlocks: tuple(literal('getBlocks'), uint({ min: 1 })),
  /** [block, commit] as they are stored: the commit is [certificate, results] (see stored-block.ts). */
  blocks: tuple(literal('blocks'), array(tuple(block, bytes({ min: 1, max: MAX_COMMIT_BYTES })), { max: MAX_BLOCKS })),
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
