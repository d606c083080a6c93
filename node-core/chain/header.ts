/** The block header. It holds this block's own results, so that one block is one final answer. */
import { decode, encode } from '../codec/cbor.ts';
import { type Infer, tuple, uint } from '../codec/schema.ts';
import { accountId, hash32 } from './identifiers.ts';

const headerSchema = tuple(
  uint(), // protocol version
  hash32, // chain: the genesis hash
  uint({ min: 1 }), // height
  uint(), // time, ms since 1970 UTC
  hash32, // parent: header hash of height - 1, for height 1 the genesis hash
  uint({ min: 1 }), // log size after this block
  hash32, // log root (RFC 9162)
  uint({ max: 10_000 }), // transactions in this block
  hash32, // block root
  hash32, // state root
  hash32, // events root
  uint(), // event count
  hash32, // validator set that signs this block
  hash32, // validator set that signs the next one
  uint(), // round in which this block was first proposed
  accountId, // its proposer
);

export interface Header {
  readonly protocolVersion: number;
  readonly chain: Uint8Array;
  readonly height: number;
  /** Milliseconds since 1970 UTC by the proposer's clock; strictly increasing. */
  readonly timeMs: number;
  readonly parent: Uint8Array;
  readonly logSize: number;
  readonly logRoot: Uint8Array;
  readonly transactionCount: number;
  readonly blockRoot: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly eventsRoot: Uint8Array;
  readonly eventCount: number;
  readonly validatorsHash: Uint8Array;
  readonly nextValidatorsHash: Uint8Array;
  readonly round: number;
  readonly proposer: Uint8Array;
}

export function encodeHeader(h: Header): Uint8Array {
  return encode([
    h.protocolVersion,
    h.chain,
    h.height,
    h.timeMs,
    h.parent,
    h.logSize,
    h.logRoot,
    h.transactionCount,
    h.blockRoot,
    h.stateRoot,
    h.eventsRoot,
    h.eventCount,
    h.validatorsHash,
    h.nextValidatorsHash,
    h.round,
    h.proposer,
  ]);
}

/** @throws {CodecError} */
export function decodeHeader(bytes: Uint8Array): Header {
  const t: Infer<typeof headerSchema> = headerSchema.decode(decode(bytes), 'header');
  return {
    protocolVersion: t[0],
    chain: t[1],
    height: t[2],
    timeMs: t[3],
    parent: t[4],
    logSize: t[5],
    logRoot: t[6],
    transactionCount: t[7],
    blockRoot: t[8],
    stateRoot: t[9],
    eventsRoot: t[10],
    eventCount: t[11],
    validatorsHash: t[12],
    nextValidatorsHash: t[13],
    round: t[14],
    proposer: t[15],
  };
}
