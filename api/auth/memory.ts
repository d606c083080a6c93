/** What authentication remembers, kept in this process: all that one node needs. Functions bring shared ones. */
import { keyText } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { newTokenKey, type TokenKey } from '../../node-core/crypto/token-key.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { SingleUse } from '../../node-core/ports/single-use.ts';
import type { TokenKeys } from '../../node-core/ports/token-keys.ts';

/** One key for as long as the process lives: its tokens end with it. */
export function memoryTokenKeys(crypto: CryptoProvider): TokenKeys {
  let made: TokenKey | undefined;
  const key = () => {
    made ??= newTokenKey(crypto, (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)));
    return made;
  };
  return { current: async () => key(), find: async (kid) => (key().kid === kid ? key() : undefined) };
}

/** At most `max` at once. What is used is used up first by who has signed, so that strangers cannot fill it. */
export class MemorySingleUse implements SingleUse {
  private readonly used = new Map<string, number>();
  private readonly clock: Clock;
  private readonly max: number;

  constructor(clock: Clock, max: number) {
    this.clock = clock;
    this.max = max;
  }

  get size(): number {
    return this.used.size;
  }

  async use(id: Uint8Array, untilMs: number): Promise<'first' | 'again' | 'full'> {
    const key = keyText(id);
    if (this.used.has(key)) return 'again';
    if (this.used.size >= this.max) this.forget();
    if (this.used.size >= this.max) return 'full';
    this.used.set(key, untilMs);
    return 'first';
  }

  private forget(): void {
    const now = this.clock.now();
    for (const [key, untilMs] of this.used) if (untilMs <= now) this.used.delete(key);
  }
}
