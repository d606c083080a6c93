/** A journal in memory: what stays when a disk is gone. */
import type { Journal } from '../../node-core/ports/journal.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

/** What all that open the same journal share. */
export class JournalRows {
  readonly heights = new Map<number, Map<string, Uint8Array>>();
  through: number | null = null;
}

const NAME = /^[a-z0-9/]{1,100}$/;

export class MemoryJournal implements Journal {
  private readonly rows: JournalRows;
  private isOpen = true;

  constructor(rows: JournalRows = new JournalRows()) {
    this.rows = rows;
  }

  async put(height: number, name: string, bytes: Uint8Array): Promise<void> {
    this.assertOpen();
    assertName(name);
    this.rows.through ??= height - 1;
    if (height <= this.rows.through) return;
    const rows = this.rows.heights.get(height) ?? new Map<string, Uint8Array>();
    this.rows.heights.set(height, rows.set(name, bytes.slice()));
  }

  async read(height: number): Promise<ReadonlyMap<string, Uint8Array>> {
    this.assertOpen();
    const rows = [...(this.rows.heights.get(height) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(rows.map(([name, bytes]) => [name, bytes.slice()]));
  }

  async remove(height: number, names: readonly string[]): Promise<void> {
    this.assertOpen();
    names.forEach(assertName);
    for (const name of names) this.rows.heights.get(height)?.delete(name);
  }

  async forget(through: number, goesOn: () => boolean = () => true): Promise<void> {
    this.assertOpen();
    if (this.rows.through === null) return;
    while (this.rows.through < through && goesOn()) {
      this.rows.through += 1;
      this.rows.heights.delete(this.rows.through);
    }
  }

  async isUsed(): Promise<boolean> {
    this.assertOpen();
    return this.rows.through !== null;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }

  private assertOpen(): void {
    if (!this.isOpen) throw new StoreError('closed', 'the journal is closed');
  }
}

function assertName(name: string): void {
  if (!NAME.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a row`);
}
