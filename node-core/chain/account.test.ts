import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../codec/cbor.ts';
import {
  type AccountRecord,
  accountName,
  accountRecord,
  canonicalName,
  decodeAccount,
  encodeAccount,
  permissions,
} from './account.ts';

const allows = (name: string) => {
  try {
    return accountName.decode(name, '') === name;
  } catch {
    return false;
  }
};

describe('account names', () => {
  test.each(['a', 'Acme Ltd', '可信登记', 'Ünïted Nœtwork', 'a-b_c.d', '名 称', '😀', 'x'.repeat(64)])(
    '%j is one',
    (name) => {
      expect(allows(name)).toBe(true);
    },
  );

  test.each([
    ['nothing', ''],
    ['a blank', ' '],
    ['a blank in front', ' a'],
    ['a blank behind', 'a '],
    ['two blanks', 'a  b'],
    ['65 bytes', 'x'.repeat(65)],
    ['22 characters of three bytes', '可'.repeat(22)],
    ['a line break', 'a\nb'],
    ['a no-break space', 'a\u00a0b'],
    ['an ideographic space', 'a\u3000b'],
    ['a zero-width space', 'a\u200bb'],
    ['a zero-width joiner', 'a\u200d'],
    ['a left-to-right mark', '\u200ea'],
    ['a right-to-left override', 'a\u202eb'],
    ['a soft hyphen', 'a\u00adb'],
    ['a word joiner', 'a\u2060b'],
    ['a byte order mark', '\ufeffa'],
    ['a variation selector', 'a\ufe0f'],
    ['an invisible tag', 'a\u{e0041}'],
    ['a Hangul filler', '\u3164'],
    ['a lone surrogate', 'a\ud800'],
  ])('%s is none', (_what, name) => {
    expect(allows(name)).toBe(false);
  });

  test('ASCII case alone is folded; no other letter changes', () => {
    expect(canonicalName('ACME Ltd Ünit ÀÉ İI')).toBe('acme ltd Ünit ÀÉ İi');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const once = canonicalName(name);
        expect(once.length).toBe(name.length);
        expect(canonicalName(once)).toBe(once);
        for (let i = 0; i < name.length; i++) {
          const isUpper = name[i]! >= 'A' && name[i]! <= 'Z';
          expect(once.charCodeAt(i)).toBe(name.charCodeAt(i) + (isUpper ? 32 : 0));
        }
      }),
    );
  });

  test('a hostile name costs no more than linear time', () => {
    expect(allows(`${'a '.repeat(30)} `)).toBe(false);
  });
});

describe('permissions', () => {
  test('one to three, each once', () => {
    expect(permissions.decode(['evidence', 'identity'], '')).toEqual(['evidence', 'identity']);
    for (const bad of [
      [],
      ['evidence', 'evidence'],
      ['admin'],
      ['identity', 'evidence', 'voucher', 'identity'],
      'evidence',
    ]) {
      expect(() => permissions.decode(bad as never, '')).toThrow();
    }
    expect(() => permissions.encode(['evidence', 'evidence'])).toThrow('twice');
  });
});

describe('account records', () => {
  const user: AccountRecord = {
    kind: 'user',
    key: { suite: 'ed25519', bytes: new Uint8Array(32).fill(7) },
    quota: { max: 5, periodMs: 1 },
    created: 9,
    name: 'Ann',
    certifier: new Uint8Array(20),
    level: 'phone',
    subject: 'person',
    terms: new Uint8Array(32),
    commitment: new Uint8Array(32),
    validUntil: 77,
  };

  test('round trip', () => {
    expect(decodeAccount(encodeAccount(user))).toEqual(user);
  });

  test.each([
    ['an unknown kind', { kind: 'admin' }],
    ['an unknown level', { level: 'platinum' }],
    ['an unknown field', { admin: true }],
    [
      'a quota beyond 10^12',
      {
        quota: new Map([
          ['max', 1_000_000_000_001],
          ['periodMs', 1],
        ]),
      },
    ],
    [
      'a period of zero',
      {
        quota: new Map([
          ['max', 1],
          ['periodMs', 0],
        ]),
      },
    ],
  ])('%s is refused', (_what, fields) => {
    const map = new Map([...(accountRecord.encode(user) as Map<string, never>), ...Object.entries(fields)] as never);
    expect(() => decodeAccount(encode(decode(encode(map as never))))).toThrow();
  });
});
