import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { SUITES } from '../crypto/suites.ts';
import {
  decodeNote,
  decodeNoteKey,
  encodeNote,
  encodeNoteKey,
  MAX_NOTE_BYTES,
  MAX_NOTE_SIGNATURES,
  noteKeyId,
  signNote,
  verifyNote,
} from './signed-note.ts';

interface Vector {
  readonly source: string;
  readonly name: string;
  readonly secretKey: string;
  readonly key: string;
  readonly text: string;
  readonly note: string;
}

const at = new URL('../../test/vectors/c2sp-signed-note/notes.json', import.meta.url);
const vectors = JSON.parse(readFileSync(at, 'utf8')) as Vector[];
const [vector] = vectors as [Vector];
const keyOf = ({ key }: Vector) => decodeNoteKey(crypto, key);
const signWith = (secretKey: string) => async (message: Uint8Array) => SUITES.ed25519.sign(fromHex(secretKey), message);

describe.each(vectors)('a note of $name ($source)', (of) => {
  it('is signed to the very bytes, verifies, and its key has the form in which Go writes it', async () => {
    const publicKey = SUITES.ed25519.publicKeyOf(fromHex(of.secretKey));
    const key = { name: of.name, publicKey };
    expect(encodeNoteKey(crypto, key)).toBe(of.key);
    expect(keyOf(of)).toEqual(key);
    const bytes = await signNote(crypto, of.text, key, signWith(of.secretKey));
    expect(Buffer.from(bytes).toString('utf8')).toBe(of.note);
    const note = decodeNote(utf8(of.note));
    expect(note.text).toBe(of.text);
    expect(verifyNote(crypto, note, [key])).toBeNull();
  });

  it('does not hold with any one byte changed', () => {
    const bytes = utf8(of.note);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1 << (at % 8);
      let held = false;
      try {
        held = verifyNote(crypto, decodeNote(changed), [keyOf(of)]) === null;
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
      expect(held, `byte ${at}`).toBe(false);
    }
  });
});

it('signatures of other keys are ignored, one of a known key that does not verify condemns the note', () => {
  const [other] = decodeNote(utf8(vectors[1]!.note)).signatures as [ReturnType<typeof decodeNote>['signatures'][0]];
  const note = decodeNote(utf8(vector.note));
  const both = decodeNote(encodeNote({ text: note.text, signatures: [other, ...note.signatures] }));
  expect(both.signatures).toHaveLength(2);
  expect(verifyNote(crypto, both, [keyOf(vector)])).toBeNull();
  expect(verifyNote(crypto, both, [keyOf(vector), keyOf(vectors[1]!)])).toMatchObject({ code: 'PROOF_SIGNATURE' });
  expect(verifyNote(crypto, both, [])).toMatchObject({ code: 'PROOF_SIGNATURE' });
  const namesake = { name: vector.name, publicKey: keyOf(vectors[1]!).publicKey };
  expect(verifyNote(crypto, note, [namesake])).toMatchObject({ detail: 'no signature of a known note key' });
  expect(noteKeyId(crypto, namesake)).toHaveLength(4);
});

it.each([
  ['', 'nothing'],
  ['text\n\n', 'no signature'],
  ['text\n— a AAAAAAA=\n', 'no empty line'],
  ['text\n\n— a AAAAAAA=', 'no newline at the end'],
  ['text\n\n- a AAAAAAA=\n', 'a hyphen'],
  ['text\n\n— a AAAAAA==\n', 'four bytes'],
  ['text\n\n— a AAAAAAB=\n', 'base64 with bits that are not zero'],
  ['text\n\n— a AAAAAAA\n', 'base64 without padding'],
  ['text\n\n— a+b AAAAAAA=\n', 'a plus in the name'],
  ['text\n\n— a\u3000b AAAAAAA=\n', 'a space of Unicode in the name'],
  ['text\n\n—  AAAAAAA=\n', 'no name'],
  ['text\n\n— a AAAAAAA= \n', 'a space at the end'],
  ['te\txt\n\n— a AAAAAAA=\n', 'a tab'],
  ['text\r\n\n— a AAAAAAA=\n', 'a carriage return'],
  [`text\n\n${'— a AAAAAAA=\n'.repeat(MAX_NOTE_SIGNATURES + 1)}`, 'too many signatures'],
  [`${'text\n'.repeat(MAX_NOTE_BYTES / 5)}\n— a AAAAAAA=\n`, 'too many bytes'],
])('%j is refused: %s', (text) => {
  expect(() => decodeNote(utf8(text))).toThrow(CodecError);
});

it('bytes that are no UTF-8 are refused, and a byte order mark is a character like others', () => {
  expect(() => decodeNote(Uint8Array.of(0xff, ...utf8('\n\n— a AAAAAAA=\n')))).toThrow(CodecError);
  expect(decodeNote(utf8('\ufeffa\n\n— a AAAAAAA=\n')).text).toBe('\ufeffa\n');
});

it.each([
  ['', 'a++b', 'name'].join('+'),
  vector.key.slice(0, -1),
  vector.key.replace('+c74f20a3', '+c74f20a4'),
  vector.key.replace('PeterNeumann', 'PeterNeuman'),
  vector.key.replace('+AR', '+Ah'),
])('%s is no key', (text) => {
  expect(() => decodeNoteKey(crypto, text)).toThrow(CodecError);
});

it('what is encoded is decoded, and what is decoded has one form', () => {
  const name = fc.stringMatching(/^[a-z0-9./-]{1,20}$/);
  const signature = fc.record({
    name,
    keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  });
  const text = fc.array(fc.stringMatching(/^[ -~é]{0,20}$/), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(text, fc.array(signature, { minLength: 1, maxLength: 16 }), (lines, signatures) => {
      const note = { text: `${lines.join('\n')}\n`, signatures };
      const bytes = encodeNote(note);
      expect(decodeNote(bytes)).toEqual(note);
      expect(encodeNote(decodeNote(bytes))).toEqual(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (junk) => {
      const bytes = new TextEncoder().encode(`${junk}\n\n— a AAAAAAA=\n`);
      try {
        expect(encodeNote(decodeNote(bytes))).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }),
  );
});
