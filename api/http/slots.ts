/** Answers that take long and hold memory while they do: so many at once, and so many for one address. */
import { addressKey } from './rate-limit.ts';

export class Slots {
  private readonly total: number;
  private readonly perAddress: number;
  private readonly taken = new Map<string, number>();
  private count = 0;

  constructor(total: number, perAddress: number) {
    this.total = total;
    this.perAddress = perAddress;
  }

  /** Gives the slot back, when there was one; may be called again. Without an address only the total counts. */
  take(address: string | undefined): (() => void) | null {
    const key = address === undefined ? null : addressKey(address);
    const own = key === null ? 0 : (this.taken.get(key) ?? 0);
    if (this.count >= this.total || own >= this.perAddress) return null;
    this.count += 1;
    if (key !== null) this.taken.set(key, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.count -= 1;
      if (key === null) return;
      const left = this.taken.get(key)! - 1;
      if (left === 0) this.taken.delete(key);
      else this.taken.set(key, left);
    };
  }
}
