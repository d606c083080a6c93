/**
 * Where a page ended: the bytes of its last entry, bound to the query by a digest, so that a cursor is only ever taken
 * for what it came from. It gives nobody more than the query itself does, and so needs no secret.
 */
import { base64urlnopad } from '@scure/base';
import { type Refusal, refusal } from '../../chain/codes.ts';
import { equal, utf8 } from '../../codec/bytes.ts';
import { decode, encode } from '../../codec/cbor.ts';
import { bytes, fixedBytes, literal, tuple } from '../../codec/schema.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { MAX_TEXT_BYTES, POSITION_BYTES } from '../index/entries.ts';

const DIGEST_BYTES = 8;
const MAX_ENTRY_BYTES = MAX_TEXT_BYTES + POSITION_BYTES + 2;
const schema = tuple(literal(1), fixedBytes(DIGEST_BYTES), bytes({ min: POSITION_BYTES, max: MAX_ENTRY_BYTES }));
/** No cursor is longer. */
export const MAX_CURSOR = 400;

export function encodeCursor(crypto: CryptoProvider, query: string, entry: Uint8Array): string {
  return base64urlnopad.encode(encode(schema.encode([1, digestOf(crypto, query), entry])));
}

/** @param query its canonical text. CURSOR_INVALID when it is malformed, or of another query. */
export function decodeCursor(crypto: CryptoProvider, query: string, cursor: string): Uint8Array | Refusal {
  if (cursor.length > MAX_CURSOR) return refusal('CURSOR_INVALID', 'too long');
  try {
    const [, digest, entry] = schema.decode(decode(base64urlnopad.decode(cursor)), 'cursor');
    return equal(digest, digestOf(crypto, query)) ? entry : refusal('CURSOR_INVALID', 'it belongs to another query');
  } catch {
    return refusal('CURSOR_INVALID', 'malformed');
  }
}

function digestOf(crypto: CryptoProvider, query: string): Uint8Array {
  return crypto.hash('sha-256', utf8(query)).slice(0, DIGEST_BYTES);
}
