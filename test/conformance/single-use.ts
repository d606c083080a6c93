import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { SingleUse } from '../../node-core/ports/single-use.ts';

const NOW_MS = 1_700_000_000_000;
const id = () => new Uint8Array(randomBytes(16));

/** What every SingleUse must do; see node-core/ports/single-use.ts. @param open another one on the same memory each time. */
export function describeSingleUse(name: string, make: (clock: Clock) => Promise<() => SingleUse>): void {
  describe(`single use: ${name}`, () => {
    const at = async () => {
      const time = { ms: NOW_MS };
      const open = await make({ now: () => time.ms, schedule: () => () => {} });
      return { time, open };
    };

    it('each is used once, among all that share the memory', async () => {
      const { open } = await at();
      const [one, other] = [id(), id()];
      expect(await open().use(one, NOW_MS + 60_000)).toBe('first');
      expect(await open().use(one, NOW_MS + 60_000)).toBe('again');
      expect(await open().use(other, NOW_MS + 60_000)).toBe('first');
    });

    it('of many at once one is first', async () => {
      const { open } = await at();
      const one = id();
      const uses = await Promise.all(Array.from({ length: 8 }, () => open().use(one, NOW_MS + 60_000)));
      expect(uses.filter((use) => use === 'first')).toHaveLength(1);
      expect(uses.filter((use) => use === 'again')).toHaveLength(7);
    });

    it('is remembered to the last moment that was named', async () => {
      const { time, open } = await at();
      const one = id();
      await open().use(one, NOW_MS + 60_000);
      time.ms += 59_999;
      expect(await open().use(one, NOW_MS + 120_000)).toBe('again');
    });
  });
}
