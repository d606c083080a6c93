import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { SUITES } from '../crypto/suites.ts';
import { checkpointText, decodeCheckpoint, noteKeyOf, signCheckpoint } from './checkpoint.ts';
import { decodeNoteKey, encodeNote, verifyNote } from './signed-note.ts';

const at = new URL('../../test/vectors/c2sp-signed-note/notes.json', import.meta.url);
const [, vector] = JSON.parse(readFileSync(at, 'utf8')) as Record<'key' | 'note' | 'text' | 'secretKey', string>[];
const { key, note, text, secretKey } = vector!;

it('a checkpoint that Go has signed is read, verifies, and is signed here to the same bytes', async () => {
  const { checkpoint, note: signed } = decodeCheckpoint(utf8(note));
  expect(checkpoint).toMatchObject({ size: 20_852_163, height: 17 });
  expect(toHex(checkpoint.headerHash)).toBe(toHex(crypto.hash('sha-256', utf8('header'))));
  expect(toHex(checkpoint.root)).toBe(toHex(crypto.hash('sha-256', utf8('root'))));
  const noteKey = noteKeyOf(checkpoint.genesisHash, {
    suite: 'ed25519',
    bytes: SUITES.ed25519.publicKeyOf(fromHex(secretKey)),
  });
  expect(noteKey).toEqual(decodeNoteKey(crypto, key));
  expect(verifyNote(crypto, signed, [noteKey])).toBeNull();
  const sign = async (message: Uint8Array) => SUITES.ed25519.sign(fromHex(secretKey), message);
  expect(await signCheckpoint(crypto, checkpoint, noteKey, sign)).toEqual(utf8(note));
});

it('a note key is an Ed25519 key', () => {
  expect(() => noteKeyOf(new Uint8Array(32), { suite: 'p256', bytes: new Uint8Array(65) })).toThrow(
    /ed25519, not p256/,
  );
});

const lines = text.split('\n');
const withLine = (index: number, line: string) => lines.map((old, i) => (i === index ? line : old)).join('\n');
const signatures = [{ name: 'a', keyId: new Uint8Array(4), signature: new Uint8Array(64) }];

it.each([
  ['another origin', withLine(0, 'example.com/log')],
  ['upper case in the origin', withLine(0, lines[0]!.toUpperCase())],
  ['a size with a zero in front', withLine(1, `0${lines[1]}`)],
  ['no size', withLine(1, '')],
  ['a negative size', withLine(1, '-1')],
  ['a size beyond 2^53', withLine(1, '9007199254740993')],
  ['a root of 31 bytes', withLine(2, `${'A'.repeat(42)}==`)],
  ['a root with bits that are not zero', withLine(2, `${'A'.repeat(42)}B=`)],
  ['a height with a zero in front', withLine(3, 'height 017')],
  ['no height', lines.toSpliced(3, 1).join('\n')],
  ['a line more', `${text}more\n`],
  ['another header form', withLine(4, 'header 00')],
])('%s is refused', (_, changed) => {
  expect(() => decodeCheckpoint(encodeNote({ text: changed, signatures }))).toThrow(CodecError);
});

it('text and numbers belong together one to one', () => {
  const { checkpoint } = decodeCheckpoint(utf8(note));
  expect(checkpointText(checkpoint)).toBe(text);
});
