/** The simulated disks keep the contracts of the ports that they stand for, crash included. */
import { describeKeyValueStore } from '../conformance/key-value-store.ts';
import { describeVoteRecord } from '../conformance/vote-record.ts';
import { Chance } from './chance.ts';
import { Disk, DiskStore, type Process } from './disk.ts';
import { DiskVoteRecord, RecordDisk } from './record-disk.ts';

/** A process in real time, whose writes take no time to speak of, until it is killed. */
function process(): Process & { kill(): void } {
  let alive = true;
  return {
    get alive() {
      return alive;
    },
    after: (_delayMs, action) => {
      setImmediate(() => {
        if (alive) action();
      });
    },
    beforeWrite: () => 'goOn',
    die: () => {},
    latencyMs: () => 0,
    kill: () => {
      alive = false;
    },
  };
}

for (const showsEarly of [false, true]) {
  describeKeyValueStore(`simulated disk, batches under way ${showsEarly ? 'visible' : 'hidden'}`, async () => {
    const chance = new Chance('conformance');
    const disk = new Disk((count) => chance.below(count + 1));
    let running = process();
    let store = new DiskStore(disk, running, showsEarly);
    const open = () => {
      running = process();
      store = new DiskStore(disk, running, showsEarly);
      return store;
    };
    return {
      store,
      async reopen() {
        await store.close();
        return open();
      },
      async crash() {
        running.kill();
        disk.crash();
        return open();
      },
      async cleanup() {
        await store.close();
      },
    };
  });
}

describeVoteRecord('simulated disk', async () => {
  const disk = new RecordDisk();
  return {
    holder: () => new DiskVoteRecord(disk, process(), { create: true }),
    returning: () => new DiskVoteRecord(disk, process(), { create: false }),
    cleanup: async () => {},
  };
});
