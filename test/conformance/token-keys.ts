import { describe, expect, it } from 'vitest';
import { toHex } from '../../node-core/codec/bytes.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { TokenKeys } from '../../node-core/ports/token-keys.ts';

/** A token holds for a quarter of an hour. */
const TOKEN_MS = 900_000;
const DAY_MS = 86_400_000;

/** What every TokenKeys must do; see node-core/ports/token-keys.ts. @param make opens the same keys again each time. */
export function describeTokenKeys(name: string, make: (clock: Clock) => Promise<() => TokenKeys>): void {
  describe(`token keys: ${name}`, () => {
    const at = async () => {
      const time = { ms: 1_700_000_000_000 };
      const open = await make({ now: () => time.ms, schedule: () => () => {} });
      return { time, open };
    };

    it('gives a key that signs, the same after it was opened again', async () => {
      const { open } = await at();
      const key = await open().current();
      expect(SUITES.ed25519.publicKeyOf(key.secretKey)).toEqual(key.publicKey);
      expect(key.kid).toBe(toHex(keyId(pureCrypto, { suite: 'ed25519', bytes: key.publicKey })));
      expect(await open().current()).toMatchObject({ kid: key.kid, secretKey: key.secretKey });
      expect(await open().find(key.kid)).toMatchObject({ kid: key.kid, publicKey: key.publicKey });
      expect(await open().find('00'.repeat(16))).toBeUndefined();
    });

    it('whenever a key signs, its tokens are believed for as long as they hold', async () => {
      const { time, open } = await at();
      const kids = new Set<string>();
      for (let hour = 0; hour < 24 * 70; hour += 7) {
        const { kid } = await open().current();
        kids.add(kid);
        time.ms += TOKEN_MS;
        expect((await open().find(kid))?.kid).toBe(kid);
        time.ms += 7 * 3_600_000 - TOKEN_MS;
      }
      expect(kids.size).toBeGreaterThanOrEqual(3);
      expect(kids.size).toBeLessThanOrEqual(4);
    });

    it('a key that signs no more is not believed for long', async () => {
      const { time, open } = await at();
      const { kid } = await open().current();
      time.ms += 62 * DAY_MS;
      expect((await open().current()).kid).not.toBe(kid);
      expect(await open().find(kid)).toBeUndefined();
    });
  });
}
