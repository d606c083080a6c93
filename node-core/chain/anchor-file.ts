/** `anchor.cbor`: the newest final header with all that proves it from the genesis hash on (docs/spec/files.md). */
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { literal, record } from '../codec/schema.ts';
import { type Anchor, anchorFields } from './anchor.ts';

const anchorFileSchema = record({ type: literal('brop.anchor.v1'), ...anchorFields });

/** The set changes of a chain grow it: 16 MB hold some thousands. */
export const ANCHOR_FILE_LIMITS: DecodeLimits = { maxBytes: 16_000_000, maxDepth: 12, maxItems: 4_000_000 };

export function encodeAnchorFile({ genesis, setChanges, header, certificate }: Anchor): Uint8Array {
  return encode(anchorFileSchema.encode({ type: 'brop.anchor.v1', genesis, setChanges, header, certificate }));
}

/** Nothing is verified by this: see verifyAnchor. @throws {CodecError} */
export function decodeAnchorFile(input: Uint8Array): Anchor {
  return anchorFileSchema.decode(decode(input, ANCHOR_FILE_LIMITS), '');
}
