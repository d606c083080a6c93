/**
 * One job as one buffer, for a transfer between threads (structured clones of 64 checks cost several times more).
 * Per check: suite code (1 byte), message length (4, big-endian), key (length of the suite), signature (64), message.
 */
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../../node-core/crypto/suite.ts';
import type { SignatureCheck } from '../../node-core/ports/signature-verifier.ts';

const SUITES: readonly SuiteName[] = ['p256', 'ed25519', 'sm2'];
const HEAD_BYTES = 5;

/** Only such checks can be packed; any other is not valid anyway. */
export function isPackable({ key, signature }: SignatureCheck): boolean {
  return key.bytes.length === PUBLIC_KEY_BYTES[key.suite] && signature.length === SIGNATURE_BYTES;
}

export function packedBytes({ key, message }: SignatureCheck): number {
  return HEAD_BYTES + key.bytes.length + SIGNATURE_BYTES + message.length;
}

export function pack(checks: readonly SignatureCheck[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const check of checks) length += packedBytes(check);
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  let offset = 0;
  const put = (part: Uint8Array): void => {
    out.set(part, offset);
    offset += part.length;
  };
  for (const { key, message, signature } of checks) {
    view.setUint8(offset, SUITES.indexOf(key.suite));
    view.setUint32(offset + 1, message.length);
    offset += HEAD_BYTES;
    put(key.bytes);
    put(signature);
    put(message);
  }
  return out;
}

/** The parts share memory with `packed`. */
export function unpack(packed: Uint8Array): SignatureCheck[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const checks: SignatureCheck[] = [];
  let offset = 0;
  const take = (length: number): Uint8Array => {
    offset += length;
    return packed.subarray(offset - length, offset);
  };
  while (offset < packed.length) {
    const suite = SUITES[view.getUint8(offset)]!;
    const messageLength = view.getUint32(offset + 1);
    offset += HEAD_BYTES;
    const bytes = take(PUBLIC_KEY_BYTES[suite]);
    const signature = take(SIGNATURE_BYTES);
    checks.push({ key: { suite, bytes }, signature, message: take(messageLength) });
  }
  return checks;
}
