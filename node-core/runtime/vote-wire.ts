/** Votes in the three forms they have: for the core (value IDs), on the wire and in the record (hashes), signed bytes. */

import type { ValidatorSet } from '../chain/validator-set.ts';
import type { BlockReference, VoteScope } from '../chain/votes.ts';
import { voteMessage } from '../chain/votes.ts';
import { fromHex, toHex } from '../codec/bytes.ts';
import type { ValueId, Vote } from '../consensus/types.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { WireVote } from './messages.ts';

/**
 * A value is a header hash with the log root that precommits sign: a validator that signs the right header hash with
 * a wrong root has voted for something else.
 */
export function valueIdOf({ headerHash, logRoot }: BlockReference): ValueId {
  return toHex(headerHash) + toHex(logRoot);
}

export function blockOf(valueId: ValueId): BlockReference {
  return { headerHash: fromHex(valueId.slice(0, 64)), logRoot: fromHex(valueId.slice(64)) };
}

export function toWire(vote: Vote): WireVote {
  const block = vote.valueId === null ? null : blockOf(vote.valueId);
  const type = vote.type === 'prevote' ? 0 : 1;
  return [
    type,
    vote.height,
    vote.round,
    block && [block.headerHash, block.logRoot],
    vote.validator,
    vote.key,
    vote.signature,
  ];
}

export function fromWire([type, height, round, block, validator, key, signature]: WireVote): Vote {
  const valueId = block === null ? null : valueIdOf({ headerHash: block[0], logRoot: block[1] });
  return { type: type === 0 ? 'prevote' : 'precommit', height, round, valueId, validator, key, signature };
}

/** Whose vote it would be: undefined when the set has no such validator or key. */
export function scopeOf(
  vote: Pick<Vote, 'height' | 'round' | 'validator' | 'key'>,
  set: ValidatorSet,
  chain: Uint8Array,
  protocolVersion: number,
): VoteScope | undefined {
  const member = set.validators[vote.validator];
  const key = member?.keys[vote.key];
  if (member === undefined || key === undefined) return undefined;
  return { chain, protocolVersion, height: vote.height, round: vote.round, validator: member.id, key };
}

/** Whether the signature is that of the validator named. Comes before any other look at a vote. */
export function isSigned(crypto: CryptoProvider, vote: Vote, scope: VoteScope): boolean {
  const block = vote.valueId === null ? null : blockOf(vote.valueId);
  return crypto.verify(scope.key, voteMessage(crypto, vote.type, scope, block), vote.signature);
}
