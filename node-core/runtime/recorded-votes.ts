/** What the vote record keeps, as bytes: every own signature of the height, the lock, and which key is to sign. */
import { type CborValue, decode, encode } from '../codec/cbor.ts';
import { array, fixedBytes, type Infer, nullable, oneOf, tuple, uint } from '../codec/schema.ts';
import type { Checkpoint, RoundValue, Vote } from '../consensus/types.ts';
import { wireVote } from './messages.ts';
import { blockOf, fromWire, toWire, valueIdOf } from './vote-wire.ts';

/** Which of two keys is to sign. It is recorded with every signature, so that no restart goes back by itself. */
export interface Duty {
  readonly key: 'primary' | 'standby';
  /** How often the operator had sent this validator back to its primary key by then. */
  readonly returns: number;
}

export interface OwnProposal {
  readonly round: number;
  readonly signature: Uint8Array;
  /** Which of the validator's keys in the set of the height has signed. */
  readonly key: 0 | 1;
}

export interface Recorded {
  readonly height: number;
  readonly checkpoint: Checkpoint;
  readonly ownVotes: readonly Vote[];
  readonly ownProposals: readonly OwnProposal[];
  readonly duty: Duty;
}

const STEPS = ['newRound', 'propose', 'prevote', 'precommit', 'commit'] as const;
const roundValue = nullable(tuple(uint(), fixedBytes(32), fixedBytes(32)));
const votes = array(wireVote, { max: 4_096 });

const proposals = array(tuple(uint(), fixedBytes(64), oneOf(0, 1)), { max: 4_096 });

const duty = tuple(oneOf('primary', 'standby'), uint());

/** [height, round, step, locked, valid, polka, entry, own votes, own proposals as [round, signature, key], duty]. */
const recordSchema = tuple(
  uint(),
  uint(),
  oneOf(...STEPS),
  roundValue,
  roundValue,
  votes,
  votes,
  votes,
  proposals,
  duty,
);
/** Fields of a record from before there were two keys: it ends with the proposals, which name none. */
const FIELDS_WITHOUT_DUTY = 9;
type RecordRow = Infer<typeof recordSchema>;
/** Of a validator that has never signed. */
export const FIRST_DUTY: Duty = { key: 'primary', returns: 0 };
const RECORD_LIMITS = { maxBytes: 4 << 20, maxDepth: 6, maxItems: 200_000 };

function encodeRoundValue(value: RoundValue | null): RecordRow[3] {
  if (value === null) return null;
  const { headerHash, logRoot } = blockOf(value.valueId);
  return [value.round, headerHash, logRoot];
}

function decodeRoundValue(row: RecordRow[3]): RoundValue | null {
  return row === null ? null : { round: row[0], valueId: valueIdOf({ headerHash: row[1], logRoot: row[2] }) };
}

export function encodeRecord({
  height,
  checkpoint,
  ownVotes,
  ownProposals,
  duty: { key, returns },
}: Recorded): Uint8Array {
  const { round, step, locked, valid, polka, entry } = checkpoint;
  return encode(
    recordSchema.encode([
      height,
      round,
      step,
      encodeRoundValue(locked),
      encodeRoundValue(valid),
      polka.map(toWire),
      entry.map(toWire),
      ownVotes.map(toWire),
      ownProposals.map((own) => [own.round, own.signature, own.key] as const),
      [key, returns],
    ]),
  );
}

/** @throws {CodecError} for bytes that {@link encodeRecord} does not write. */
export function decodeRecord(bytes: Uint8Array): Recorded {
  const value = decode(bytes, RECORD_LIMITS);
  const isOld = Array.isArray(value) && value.length === FIELDS_WITHOUT_DUTY;
  const row = recordSchema.decode(isOld ? ofPrimaryKey(value) : value, 'vote record');
  const [height, round, step, locked, valid, polka, entry, own, proposed, [key, returns]] = row;
  const checkpoint: Checkpoint = {
    round,
    step,
    locked: decodeRoundValue(locked),
    valid: decodeRoundValue(valid),
    polka: polka.map(fromWire),
    entry: entry.map(fromWire),
  };
  const ownProposals = proposed.map(([of, signature, by]) => ({ round: of, signature, key: by }));
  return { height, checkpoint, ownVotes: own.map(fromWire), ownProposals, duty: { key, returns } };
}

function ofPrimaryKey(row: readonly CborValue[]): CborValue {
  const proposed = row.at(-1);
  const named = Array.isArray(proposed) ? proposed.map((own) => (Array.isArray(own) ? [...own, 0] : own)) : [];
  return [...row.slice(0, -1), named, [FIRST_DUTY.key, FIRST_DUTY.returns]];
}

/** Which key has signed in a round of the height; null when none has. */
export function keyOfRound({ ownVotes, ownProposals }: Recorded, round: number): 0 | 1 | null {
  return [...ownVotes, ...ownProposals].find((own) => own.round === round)?.key ?? null;
}
