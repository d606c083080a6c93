/**
 * Checkpoints of the log (https://c2sp.org/tlog-checkpoint): a signed note over size and root, so that tools for
 * transparency logs can follow a chain. Its two extension lines say which block the root is of.
 *
 * A checkpoint is the word of one node. That the root is final is proven by the anchor beside it, not by this.
 */
import { base64 } from '@scure/base';
import { fromHex, toHex } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import { HASH_BYTES } from './identifiers.ts';
import { decodeNote, type NoteKey, type SignedNote, signNote } from './signed-note.ts';

export interface Checkpoint {
  readonly genesisHash: Uint8Array;
  /** Leaves of the log. */
  readonly size: number;
  readonly root: Uint8Array;
  /** The block after which the log has this root; 0 is the genesis. */
  readonly height: number;
  /** Hash of that block's header; of the genesis at height 0. */
  readonly headerHash: Uint8Array;
}

const ORIGIN_PREFIX = 'brop.chain/';

/** The log's name: that of the chain. Every node's note key has this name too. */
export function checkpointOrigin(genesisHash: Uint8Array): string {
  return ORIGIN_PREFIX + toHex(genesisHash);
}

/** The note key of a node of this chain. @throws {CodecError} when it is not of suite ed25519. */
export function noteKeyOf(genesisHash: Uint8Array, { suite, bytes }: PublicKey): NoteKey {
  if (suite !== 'ed25519') throw new CodecError('schema', `a note key is of suite ed25519, not ${suite}`);
  return { name: checkpointOrigin(genesisHash), publicKey: bytes };
}

export function checkpointText({ genesisHash, size, root, height, headerHash }: Checkpoint): string {
  const lines = [checkpointOrigin(genesisHash), size, base64.encode(root), `height ${height}`];
  return `${[...lines, `header ${toHex(headerHash)}`].join('\n')}\n`;
}

/** @param key a {@link noteKeyOf} this chain. @param sign signs the message itself, by Ed25519. */
export function signCheckpoint(
  crypto: CryptoProvider,
  checkpoint: Checkpoint,
  key: NoteKey,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  return signNote(crypto, checkpointText(checkpoint), key, sign);
}

/** @throws {CodecError} when it is not the one form that a checkpoint of a BROP chain has. No signature is verified. */
export function decodeCheckpoint(bytes: Uint8Array): { readonly checkpoint: Checkpoint; readonly note: SignedNote } {
  const note = decodeNote(bytes);
  const found =
    /^brop\.chain\/([0-9a-f]{64})\n(\d{1,16})\n([A-Za-z0-9+/]{43}=)\nheight (\d{1,16})\nheader ([0-9a-f]{64})\n$/.exec(
      note.text,
    );
  if (found === null) throw new CodecError('schema', 'not the text of a checkpoint');
  const [, genesis, size, root, height, header] = found as unknown as [string, string, string, string, string, string];
  const checkpoint: Checkpoint = {
    genesisHash: fromHex(genesis),
    size: Number(size),
    root: base64Of(root),
    height: Number(height),
    headerHash: fromHex(header),
  };
  if (checkpointText(checkpoint) !== note.text) throw new CodecError('nonCanonical', 'not the one form of its numbers');
  return { checkpoint, note };
}

function base64Of(text: string): Uint8Array {
  try {
    const bytes = base64.decode(text);
    if (bytes.length === HASH_BYTES) return bytes;
  } catch {
    // What is no base64 is told below.
  }
  throw new CodecError('malformed', 'the root is not base64 of 32 bytes');
}
