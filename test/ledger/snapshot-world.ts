/** A chain in memory whose blocks are certified, with states of any size, and its snapshots. */
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import type { StateLayer } from '../../node-core/ledger/state.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Log } from '../../node-core/ports/log.ts';
import { joinFromSnapshot } from '../../node-core/runtime/snapshot-join.ts';
import { writeSnapshot } from '../../node-core/runtime/snapshot-write.ts';
import { certificateOf } from '../simulation/certified.ts';
import type { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { bytesOf, World, type WorldOptions } from './world.ts';

export { crypto };

/** Timers run in the next turn, whatever their delay: nobody waits in a test. */
export const hastyClock: Clock = {
  now: () => 0,
  schedule: (_, action) => {
    const timer = setImmediate(action);
    return () => clearImmediate(timer);
  },
};

export interface Entry {
  readonly name: string;
  readonly sizeBytes: number;
}

export class SnapshotWorld {
  readonly world: World;

  private constructor(world: World) {
    this.world = world;
  }

  /** What its node would publish. */
  get blobs(): MemoryBlobs {
    return this.world.blobs;
  }

  static async open(options: WorldOptions = {}): Promise<SnapshotWorld> {
    return new SnapshotWorld(await World.open({ validators: 3, ...options }));
  }

  /** A certified block; `entries` are put into the state beside what its transactions do. All sign unless said. */
  async block(
    transactions: readonly Uint8Array[] = [],
    entries: readonly Entry[] = [],
    signers?: readonly number[],
  ): Promise<ExecutedBlock> {
    const { world } = this;
    const execution = world.execution();
    for (const bytes of transactions) if (world.addTo(execution, bytes) !== null) throw new Error('not packed');
    // No operation makes entries of many kilobytes, of which a few fill a chunk.
    const { layer } = execution as unknown as { readonly layer: StateLayer };
    for (const { name, sizeBytes } of entries) layer.set(utf8(name), contentOf(name, sizeBytes));
    const executed = execution.finish();
    await world.store.commit(executed, certificateOf(world.members, executed, signers));
    return executed;
  }

  /** Rows of its store, when everything is in it, by their first letters. */
  async rows(letters: string): Promise<Map<string, string>> {
    await this.world.store.flush();
    return rowsOf(this.world.kv, letters);
  }

  snapshot(keep = 2) {
    return writeSnapshot({ crypto, store: this.world.store, blobs: this.blobs, clock: hastyClock }, keep);
  }
}

/** As hexadecimal text. */
export function rowsOf(kv: MemoryStore, letters: string): Map<string, string> {
  const all = [...kv.range(new Uint8Array(0), Uint8Array.of(0xff))];
  const wanted = all.filter(({ key }) => letters.includes(String.fromCharCode(key[0]!)));
  return new Map(wanted.map(({ key, value }) => [toHex(key), toHex(value)]));
}

function contentOf(name: string, sizeBytes: number): Uint8Array {
  const seed = bytesOf(name, 64);
  return Uint8Array.from({ length: sizeBytes }, (_, i) => seed[i % 64]! ^ (i >> 6));
}

export interface Source {
  readonly name: string;
  readonly files: MemoryBlobs;
}

/** Joins an empty store; gives its height or null, and what the log said, as `level message: path`. */
export async function join(
  world: World,
  sources: readonly Source[],
  { kv = new MemoryStore(), upTo }: { readonly kv?: MemoryStore; readonly upTo?: number } = {},
) {
  const said: string[] = [];
  const note =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      said.push(`${level} ${message}: ${[fields.source, fields.path, fields.code].filter(Boolean).join(' ')}`);
    };
  const log: Log = { debug: () => {}, info: () => {}, warn: note('warn'), error: note('error') };
  const { genesis } = world;
  const height = await joinFromSnapshot({ crypto, kv, genesis, sources, upTo, clock: hastyClock, log });
  return { height, said, kv };
}
