import { readFileSync } from 'node:fs';

/** The least page of any processor that we know; with larger ones the bound below is larger, too. */
const PAGE_BYTES = 4_096;
/** What may become mapped beyond what there was at first. */
export const MAPPED_BYTES = 24 << 20;
/** Reads between two looks. The kernel maps up to 64 KiB around the page that is read: 16 MiB between two looks. */
const READS_PER_LOOK = 256;

/** Bytes of files that are mapped and resident in this process; 0 where there is no /proc (proc(5), statm). */
export function mappedBytes(): number {
  try {
    return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[2]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

/**
 * Says when the map is to be renewed. Pages of the file that were read once stay mapped and count as memory of the
 * process until the kernel is short of memory, which a container's limit may call too late.
 */
export class MappedBound {
  private readonly mapped: () => number;
  private readonly most: number;
  private least: number;
  private reads = 0;

  constructor(most = MAPPED_BYTES, mapped = mappedBytes) {
    this.mapped = mapped;
    this.most = most;
    this.least = mapped();
  }

  /** Counts some reads; whether it is time to look. */
  read(count = 1): boolean {
    this.reads += count;
    if (this.reads < READS_PER_LOOK) return false;
    this.reads = 0;
    return true;
  }

  get isExceeded(): boolean {
    return this.mapped() > this.least + this.most;
  }

  /** What is mapped now is not of the store. */
  renewed(): void {
    this.least = this.mapped();
  }
}
