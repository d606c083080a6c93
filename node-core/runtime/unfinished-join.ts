/**
 * A snapshot that is being taken in. Its rows are no chain before the last of them are written, in one batch with the
 * genesis that makes them one. Until then a marker stands beside them, and whoever opens the store throws them away.
 */
import type { KeyValueStore, Write } from '../ports/key-value-store.ts';

const [MARKER, STATE, EXPIRING] = [...'jsn'].map((letter) => letter.charCodeAt(0)) as [number, number, number];
const ROWS_AT_ONCE = 5_000;

export const JOIN_BEGINS: Write = { key: Uint8Array.of(MARKER), value: new Uint8Array(0) };
/** Belongs into the batch that makes the rows a chain. */
export const JOIN_ENDS: Write = { key: Uint8Array.of(MARKER), value: null };

/** Leaves a store without a chain empty; costs one read when it is. */
export async function discardJoin(kv: KeyValueStore): Promise<void> {
  if (kv.get(JOIN_BEGINS.key) === undefined) return;
  for (const letter of [STATE, EXPIRING]) {
    for (;;) {
      const rows = [...kv.range(Uint8Array.of(letter), Uint8Array.of(letter + 1), { limit: ROWS_AT_ONCE })];
      if (rows.length === 0) break;
      await kv.write(rows.map(({ key }) => ({ key, value: null })));
    }
  }
  await kv.write([JOIN_ENDS]);
}
