/**
 * The upper four levels of pages of the state tree, in memory: 4,369 pages at most, 6.5 MB in one piece, of which the
 * operating system gives what is touched. Every change of the state leads through them, and in a large state each lies
 * in a place of its own in the store.
 */
import { MAX_PAGE_BYTES } from '../crypto/state-page.ts';

const DEEPEST = 3;
/** Of pages above those at each depth. */
const ABOVE = [0, 1, 17, 273] as const;
const PAGES = 4_369;

export class UpperPages {
  private readonly memory = new Uint8Array(PAGES * MAX_PAGE_BYTES);
  /** 0 for a page that is not here. */
  private readonly lengths = new Uint16Array(PAGES);

  /**
   * What `read` says, asked once and then remembered. The bytes change with the next `set` of the page.
   * @param path nibbles.
   */
  get(path: Uint8Array, read: (path: Uint8Array) => Uint8Array | undefined): Uint8Array | undefined {
    if (path.length > DEEPEST) return read(path);
    let place = 0;
    for (let i = 0; i < path.length; i++) place = 16 * place + path[i]!;
    place += ABOVE[path.length]!;
    if (this.lengths[place] === 0) this.keep(place, read(path));
    const length = this.lengths[place]!;
    const start = place * MAX_PAGE_BYTES;
    return length === 0 ? undefined : this.memory.subarray(start, start + length);
  }

  /** @param path hexadecimal digits. @param page null when there is none any more. */
  set(path: string, page: Uint8Array | null): void {
    if (path.length > DEEPEST) return;
    this.keep(ABOVE[path.length]! + Number.parseInt(`0${path}`, 16), page ?? undefined);
  }

  private keep(place: number, page: Uint8Array | undefined): void {
    this.lengths[place] = page?.length ?? 0;
    if (page !== undefined) this.memory.set(page, place * MAX_PAGE_BYTES);
  }
}
