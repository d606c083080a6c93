/**
 * Signed notes (https://c2sp.org/signed-note): a text and lines of signatures below it, readable by people. Of the kinds
 * of signatures only Ed25519 (type 0x01) is made and verified; others pass through, as the specification asks.
 */
import { base64 } from '@scure/base';
import { concat, equal, toHex, utf8 } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type Refusal, refusal } from './codes.ts';

/** A key by the name that stands in front of its signatures. */
export interface NoteKey {
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** Tells keys of one name apart; 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** Ends with a newline. What is signed are its bytes in UTF-8. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export const MAX_NOTE_BYTES = 65_536;
export const MAX_NOTE_SIGNATURES = 64;

const ED25519 = 0x01;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
const MAX_SIGNATURE_BYTES = 8_192;
const LINE_START = '— ';

/** SHA-256(name ‖ newline ‖ type ‖ public key), its first four bytes. */
export function noteKeyId(crypto: CryptoProvider, { name, publicKey }: NoteKey): Uint8Array {
  return crypto.hash('sha-256', concat(utf8(`${name}\n`), Uint8Array.of(ED25519), publicKey)).slice(0, KEY_ID_BYTES);
}

/** The form in which verifiers are told a key: `<name>+<key ID>+<base64(type ‖ public key)>`. */
export function encodeNoteKey(crypto: CryptoProvider, key: NoteKey): string {
  assertKeyName(key.name);
  const data = base64.encode(concat(Uint8Array.of(ED25519), key.publicKey));
  return `${key.name}+${toHex(noteKeyId(crypto, key))}+${data}`;
}

/** @throws {CodecError} also for keys of another type, and when the key ID is not that of the key. */
export function decodeNoteKey(crypto: CryptoProvider, text: string): NoteKey {
  const [, name = '', id, data = ''] = /^([^+]{1,256})\+([0-9a-f]{8})\+([^\s]{1,64})$/u.exec(text) ?? [];
  assertKeyName(name);
  const bytes = decodeBase64(data);
  if (bytes[0] !== ED25519 || bytes.length !== 1 + PUBLIC_KEY_BYTES) {
    throw new CodecError('schema', 'not the key of an Ed25519 note signer');
  }
  const key = { name, publicKey: bytes.slice(1) };
  if (id !== toHex(noteKeyId(crypto, key))) throw new CodecError('schema', 'the key ID is not that of the key');
  return key;
}

/** @throws {CodecError} when the text or the name cannot stand in a note. */
export async function signNote(
  crypto: CryptoProvider,
  text: string,
  key: NoteKey,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  assertText(text);
  assertKeyName(key.name);
  const signature = await sign(utf8(text));
  return encodeNote({ text, signatures: [{ name: key.name, keyId: noteKeyId(crypto, key), signature }] });
}

export function encodeNote({ text, signatures }: SignedNote): Uint8Array {
  const lines = signatures.map(
    ({ name, keyId, signature }) => `${LINE_START}${name} ${base64.encode(concat(keyId, signature))}\n`,
  );
  return utf8(`${text}\n${lines.join('')}`);
}

/** @throws {CodecError} when the bytes are no signed note or exceed a limit; nothing of it is believed by this. */
export function decodeNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > MAX_NOTE_BYTES) throw new CodecError('limit', `a note of ${bytes.length} bytes`);
  const whole = decodeText(bytes);
  const end = whole.lastIndexOf('\n\n');
  if (end < 0) throw new CodecError('malformed', 'no empty line between text and signatures');
  const text = whole.slice(0, end + 1);
  assertText(text);
  const block = whole.slice(end + 2);
  if (block === '' || !block.endsWith('\n')) throw new CodecError('malformed', 'no signature lines at the end');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) throw new CodecError('limit', `${lines.length} signatures`);
  return { text, signatures: lines.map(decodeSignatureLine) };
}

function decodeSignatureLine(line: string): NoteSignature {
  const [name = '', data = '', more] = line.startsWith(LINE_START) ? line.slice(LINE_START.length).split(' ') : [];
  if (more !== undefined || !isKeyName(name)) throw new CodecError('malformed', 'not a signature line');
  const bytes = decodeBase64(data);
  if (bytes.length <= KEY_ID_BYTES || bytes.length > MAX_SIGNATURE_BYTES) {
    throw new CodecError('malformed', `a signature of ${bytes.length} bytes`);
  }
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/**
 * Whether one of `keys` has signed the note. Signatures of other keys say nothing; one of these keys that does not
 * verify condemns the note.
 */
export function verifyNote(crypto: CryptoProvider, note: SignedNote, keys: readonly NoteKey[]): Refusal | null {
  const message = utf8(note.text);
  let signed = false;
  for (const { name, keyId, signature } of note.signatures) {
    const key = keys.find((known) => known.name === name && equal(noteKeyId(crypto, known), keyId));
    if (key === undefined) continue;
    if (!crypto.verify({ suite: 'ed25519', bytes: key.publicKey }, message, signature)) {
      return refusal('PROOF_SIGNATURE', `the signature of ${name} does not verify`);
    }
    signed = true;
  }
  return signed ? null : refusal('PROOF_SIGNATURE', 'no signature of a known note key');
}

function assertText(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the specification forbids.
  if (!text.endsWith('\n') || /[\u0000-\u0009\u000b-\u001f]/.test(text)) {
    throw new CodecError('malformed', 'not the text of a note');
  }
}

function isKeyName(name: string): boolean {
  return name !== '' && !/[\s\u0085+]/u.test(name);
}

function assertKeyName(name: string): void {
  if (!isKeyName(name)) throw new CodecError('schema', 'not the name of a note key');
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CodecError('malformed', 'not UTF-8');
  }
}

/** Standard alphabet with padding, and no second form of the same bytes. */
function decodeBase64(text: string): Uint8Array {
  try {
    return base64.decode(text);
  } catch {
    throw new CodecError('malformed', 'not base64');
  }
}
