/** The vote record on a simulated disk: compare-and-swap on (epoch, version), with answers that may get lost. */
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { VoteRecord, VoteRecordPosition } from '../../node-core/ports/vote-record.ts';
import { fullDisk, never, type Process } from './disk.ts';

interface Row {
  readonly position: VoteRecordPosition;
  readonly bytes: Uint8Array | null;
}

/** Shared by all who hold the record; what is here is durable. */
export class RecordDisk {
  row: Row | null = null;
  private underWay: (() => void) | null = null;

  begin(act: () => void): void {
    this.underWay = act;
  }

  end(): void {
    this.underWay = null;
  }

  /** A change that was not acknowledged has happened whole, or not at all. */
  crash(isKept: boolean): void {
    if (isKept) this.underWay?.();
    this.underWay = null;
  }
}

export interface RecordOptions {
  /** This may be the first start: a missing record is no loss. */
  readonly create: boolean;
  /** Now and then an answer is lost: the write has happened or not, and the caller is told neither. */
  readonly answerOf?: () => 'answered' | 'lostAfter' | 'lostBefore';
}

export class DiskVoteRecord implements VoteRecord {
  private readonly disk: RecordDisk;
  private readonly process: Process;
  private readonly options: RecordOptions;
  private isOpen = false;
  private tail: Promise<void> = Promise.resolve();

  constructor(disk: RecordDisk, process: Process, options: RecordOptions) {
    this.disk = disk;
    this.process = process;
    this.options = options;
  }

  async open(): Promise<Row> {
    if (this.disk.row === null && !this.options.create) throw new StoreError('corrupt', 'the vote record is missing');
    return this.change(() => {
      const epoch = (this.disk.row?.position.epoch ?? 0) + 1;
      this.disk.row = { position: { epoch, version: 0 }, bytes: this.disk.row?.bytes ?? null };
      this.isOpen = true;
      return copyOf(this.disk.row);
    });
  }

  async read(): Promise<Row> {
    this.assertOpen();
    await this.tail;
    return copyOf(this.disk.row!);
  }

  async compareAndSwap(expected: VoteRecordPosition, bytes: Uint8Array): Promise<VoteRecordPosition | 'lost'> {
    this.assertOpen();
    const copy = bytes.slice();
    const answer = this.options.answerOf?.() ?? 'answered';
    if (answer === 'lostBefore') throw new StoreError('io', 'no answer (simulated; nothing was written)');
    const outcome = await this.change(() => {
      const { epoch, version } = this.disk.row!.position;
      if (epoch !== expected.epoch || version !== expected.version) return 'lost' as const;
      const position = { epoch, version: version + 1 };
      this.disk.row = { position, bytes: copy };
      return position;
    });
    if (answer === 'lostAfter') throw new StoreError('io', 'no answer (simulated; it was written)');
    return outcome;
  }

  async close(): Promise<void> {
    await this.tail;
    this.isOpen = false;
  }

  /** One change at a time. It happens somewhere between call and answer: here at the end, or at a planned death. */
  private async change<T>(act: () => T): Promise<T> {
    const before = this.tail;
    let finish = () => {};
    this.tail = new Promise((resolve) => {
      finish = resolve;
    });
    await before;
    const fate = this.process.beforeWrite('record', 0);
    if (fate === 'diedBefore') return never();
    if (fate === 'full') {
      finish();
      throw fullDisk();
    }
    if (fate === 'diesAfter' || fate === 'diesDuring') {
      if (fate === 'diesAfter') act();
      else this.disk.begin(act);
      this.process.die();
      return never();
    }
    this.disk.begin(act);
    await new Promise<void>((resolve) => this.process.after(this.process.latencyMs(), resolve));
    this.disk.end();
    const result = act();
    finish();
    return result;
  }

  private assertOpen(): void {
    if (!this.isOpen) throw new StoreError('closed', 'the vote record is not open');
  }
}

function copyOf({ position, bytes }: Row): Row {
  return { position, bytes: bytes?.slice() ?? null };
}
