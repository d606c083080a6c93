/** A journal in virtual time: its writes take a while, and a death before the answer leaves each done or not. */
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { never, type Process } from './disk.ts';
import { type JournalRows, MemoryJournal } from './memory-journal.ts';

export class DiskJournal extends MemoryJournal {
  private readonly process: Process;

  constructor(rows: JournalRows, process: Process) {
    super(rows);
    this.process = process;
  }

  override put(...row: Parameters<MemoryJournal['put']>): Promise<void> {
    return this.change(() => super.put(...row));
  }

  override remove(...rows: Parameters<MemoryJournal['remove']>): Promise<void> {
    return this.change(() => super.remove(...rows));
  }

  /** Not one after the other: two requests to a table may overtake each other. */
  private async change(act: () => Promise<void>): Promise<void> {
    const fate = this.process.beforeWrite('journal', 0);
    if (fate === 'full') throw new StoreError('full', 'the journal takes nothing (simulated)');
    if (fate === 'diedBefore') return never();
    if (fate === 'goOn') {
      await new Promise<void>((next) => this.process.after(this.process.latencyMs(), next));
      return act();
    }
    if (fate === 'diesAfter') await act();
    this.process.die();
    return never();
  }
}
