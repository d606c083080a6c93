import { base64 } from '@scure/base';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../codec/bytes.ts';
import { verify } from '../../crypto/suite-ed25519.ts';
import { derivedKey, signatureOf, signedHeaders, verificationKey } from './signing.ts';

const MASTER = new Uint8Array(32).fill(7);

describe('derived keys', () => {
  const key = derivedKey(MASTER, 'sub_a', 'v1a', 1);

  it('differ by master, subscription, scheme and generation, and are the same again for the same', () => {
    const others = [
      derivedKey(new Uint8Array(32), 'sub_a', 'v1a', 1),
      derivedKey(MASTER, 'sub_b', 'v1a', 1),
      derivedKey(MASTER, 'sub_a', 'v1', 1),
      derivedKey(MASTER, 'sub_a', 'v1a', 2),
    ];
    const secrets = new Set([key, ...others].map(({ secret }) => base64.encode(secret)));
    expect(secrets.size).toBe(5);
    expect(derivedKey(MASTER, 'sub_a', 'v1a', 1)).toEqual(key);
  });

  it('are shown as the specification writes them; of an asymmetric one the public half alone', () => {
    const shown = verificationKey(key);
    expect(shown).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    expect(shown).not.toContain(base64.encode(key.secret));
    const signature = base64.decode(signatureOf(key, 'a', 1, utf8('b')).slice('v1a,'.length));
    expect(verify(base64.decode(shown.slice('whpk_'.length)), utf8('a.1.b'), signature)).toBe(true);
    expect(verificationKey(derivedKey(MASTER, 'sub_a', 'v1', 1))).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});

it('during a rotation the official library accepts the old key as well as the new one', () => {
  const keys = [derivedKey(MASTER, 's', 'v1', 2), derivedKey(MASTER, 's', 'v1', 1), derivedKey(MASTER, 's', 'v1a', 3)];
  const body = utf8('{"type":"x"}');
  const headers = signedHeaders(keys, 'evt_1', Date.now(), body);
  for (const old of keys.slice(0, 2))
    expect(new Webhook(verificationKey(old)).verify(Buffer.from(body), headers)).toEqual({ type: 'x' });
  const unknown = new Webhook(verificationKey(derivedKey(MASTER, 's', 'v1', 4)));
  expect(() => unknown.verify(Buffer.from(body), headers)).toThrow('No matching signature');
  expect(headers['webhook-signature']!.split(' ').map((entry) => entry.split(',')[0])).toEqual(['v1', 'v1', 'v1a']);
});
