/** Text form of account IDs: bech32m (BIP-350) over 20 bytes, so that a typing error is noticed before it is signed. */
import { bech32m } from '@scure/base';
import { CodecError } from './error.ts';

export const ACCOUNT_ID_BYTES = 20;
const PREFIX = 'brop';

export function accountIdToText(id: Uint8Array): string {
  if (id.length !== ACCOUNT_ID_BYTES) throw new CodecError('schema', `an account ID has ${ACCOUNT_ID_BYTES} bytes`);
  return bech32m.encode(PREFIX, bech32m.toWords(id));
}

/** @throws {CodecError} kind `schema` when the text is not the one form that {@link accountIdToText} gives. */
export function accountIdFromText(text: string): Uint8Array {
  const decoded = bech32m.decodeUnsafe(text);
  const id = decoded?.prefix === PREFIX ? bech32m.fromWordsUnsafe(decoded.words) : undefined;
  if (!id || id.length !== ACCOUNT_ID_BYTES || accountIdToText(id) !== text) {
    throw new CodecError('schema', 'not an account ID');
  }
  return id;
}
