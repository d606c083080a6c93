/** From the ECDSA signatures that tools, KMS and HSMs give to the one form that BROP takes: r ‖ s with low S. */
import { concat } from '../codec/bytes.ts';
import { P256_MAX_LOW_S } from './suite-p256.ts';

const NUMBER_BYTES = 32;
const DER_SEQUENCE = 0x30;
const DER_INTEGER = 0x02;

/**
 * Of (r, s) and (r, n − s), both of which verify, the one that BROP takes. Most signers give either, with equal chance.
 * @param signature 64 bytes, r ‖ s on P-256.
 */
export function withLowS(signature: Uint8Array): Uint8Array {
  let s = 0n;
  for (const byte of signature.subarray(NUMBER_BYTES)) s = (s << 8n) | BigInt(byte);
  if (s <= P256_MAX_LOW_S) return signature;
  let rest = 2n * P256_MAX_LOW_S + 1n - s;
  const low = new Uint8Array(NUMBER_BYTES);
  for (let i = NUMBER_BYTES - 1; i >= 0; i--) {
    low[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return concat(signature.subarray(0, NUMBER_BYTES), low);
}

/**
 * r ‖ s from DER, `SEQUENCE { INTEGER r, INTEGER s }` (RFC 3279 §2.2.3), of a curve of 256 bits.
 * @throws {RangeError} when it is not DER of two positive numbers of at most 32 bytes.
 */
export function fromDerSignature(der: Uint8Array): Uint8Array {
  const rLength = der[3] ?? 0;
  const sLength = der[5 + rLength] ?? 0;
  const isSequence = der[0] === DER_SEQUENCE && der[1] === der.length - 2 && der.length === 6 + rLength + sLength;
  if (!isSequence || der[2] !== DER_INTEGER || der[4 + rLength] !== DER_INTEGER) throw notDer();
  return concat(unsigned(der.subarray(4, 4 + rLength)), unsigned(der.subarray(6 + rLength)));
}

/**
 * Either of them, in the one form.
 * @throws {RangeError} when it is neither 64 bytes nor DER.
 */
export function ecdsaInOneForm(signature: Uint8Array): Uint8Array {
  return withLowS(signature.length === 2 * NUMBER_BYTES ? signature : fromDerSignature(signature));
}

/** A DER integer has as few bytes as it can, and one of zeros in front where it would otherwise be negative. */
function unsigned(integer: Uint8Array): Uint8Array {
  const [first = 0x80, second = 0] = integer;
  const isPadded = first === 0 && integer.length > 1;
  if (first >= 0x80 || (isPadded && second < 0x80)) throw notDer();
  const digits = isPadded ? integer.subarray(1) : integer;
  if (digits.length > NUMBER_BYTES) throw notDer();
  return concat(new Uint8Array(NUMBER_BYTES - digits.length), digits);
}

function notDer(): RangeError {
  return new RangeError('not an ECDSA signature in DER');
}
