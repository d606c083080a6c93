import { createHash } from 'node:crypto';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { VoteRecordPosition } from '../../node-core/ports/vote-record.ts';

export interface Recorded {
  readonly position: VoteRecordPosition;
  readonly bytes: Uint8Array | null;
}

/*
 * magic "BVR1" ‖ epoch (8 bytes, big-endian) ‖ version (8) ‖ 1 if there are bytes, else 0 ‖ bytes ‖ SHA-256 of all
 * before. The sum is against decay of the medium, which LMDB would not see; it is no protection against people.
 */
const MAGIC = Buffer.from('BVR1');
const HEAD = 21;
const SUM = 32;

export function encodeRecord({ position, bytes }: Recorded): Uint8Array {
  const body = Buffer.alloc(HEAD + (bytes?.length ?? 0));
  MAGIC.copy(body);
  body.writeBigUInt64BE(BigInt(position.epoch), 4);
  body.writeBigUInt64BE(BigInt(position.version), 12);
  body.writeUInt8(bytes === null ? 0 : 1, 20);
  if (bytes !== null) body.set(bytes, HEAD);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/** @throws {StoreError} 'corrupt' unless these are exactly the bytes that `encodeRecord` gave. */
export function decodeRecord(stored: Uint8Array, where: string): Recorded {
  const record = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const body = record.subarray(0, -SUM);
  const sound =
    record.length >= HEAD + SUM &&
    body.subarray(0, 4).equals(MAGIC) &&
    createHash('sha256').update(body).digest().equals(record.subarray(-SUM)) &&
    (body[20] === 1 || (body[20] === 0 && body.length === HEAD));
  if (!sound) {
    throw new StoreError(
      'corrupt',
      `the vote record in ${where} is damaged: this validator must rejoin with a new key`,
    );
  }
  return {
    position: { epoch: Number(body.readBigUInt64BE(4)), version: Number(body.readBigUInt64BE(12)) },
    bytes: body[20] === 1 ? new Uint8Array(body.subarray(HEAD)) : null,
  };
}
