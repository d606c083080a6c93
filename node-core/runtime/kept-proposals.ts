/** Rows of proposals of an undecided height: [timely, message] by height, round, and for others' the header hash. */

import { STORED_LIMITS } from '../chain/stored-block.ts';
import { concat, uint64 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { bool, bytes, tuple } from '../codec/schema.ts';
import { MAX_MESSAGE_BYTES } from './messages.ts';

export const PROPOSAL = Uint8Array.of('d'.charCodeAt(0));
export const AFTER_PROPOSALS = Uint8Array.of(PROPOSAL[0]! + 1);
const keptSchema = tuple(bool, bytes({ max: MAX_MESSAGE_BYTES }));

/** A proposal that was executed here and found right; it is durable before anything is signed for it. */
export interface KeptProposal {
  readonly height: number;
  readonly round: number;
  readonly isOwn: boolean;
  /** Of the block; empty for an own one that was read back. */
  readonly headerHash: Uint8Array;
  /** As judged when it came: it is judged once. */
  readonly timely: boolean;
  /** The whole message. */
  readonly message: Uint8Array;
}

/** The own one of a round has one place: a draft that was never sent makes room for the next. */
export function proposalKey({
  height,
  round,
  isOwn,
  headerHash: hash,
}: Omit<KeptProposal, 'timely' | 'message'>): Uint8Array {
  return concat(PROPOSAL, uint64(height), uint64(round), ...(isOwn ? [Uint8Array.of(0)] : [Uint8Array.of(1), hash]));
}

export function proposalValue({ timely, message }: Pick<KeptProposal, 'timely' | 'message'>): Uint8Array {
  return encode(keptSchema.encode([timely, message]));
}

export function splitProposal(key: Uint8Array, value: Uint8Array): KeptProposal {
  const name = { height: uint64At(key, 1), round: uint64At(key, 9), isOwn: key[17] === 0, headerHash: key.slice(18) };
  return { ...name, ...proposalIn(value) };
}

/** The inverse of {@link proposalValue}. @throws {CodecError} */
export function proposalIn(value: Uint8Array): Pick<KeptProposal, 'timely' | 'message'> {
  const [timely, message] = keptSchema.decode(decode(value, STORED_LIMITS), 'proposal');
  return { timely, message };
}

/** The inverse of `uint64` (codec/bytes.ts) within a key. */
export function uint64At(key: Uint8Array, offset: number): number {
  let value = 0;
  for (const byte of key.subarray(offset, offset + 8)) value = value * 256 + byte;
  return value;
}
