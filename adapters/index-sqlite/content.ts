/** What a row holds besides its position. */
import { decodePosition } from '../../node-core/middleware/index/entries.ts';
import type { IndexRow } from '../../node-core/ports/index-store.ts';

export function rowContent({ collection, key, timeMs, sender, nonce, fields }: IndexRow): string {
  return JSON.stringify([collection, key, timeMs, sender, nonce, fields]);
}

/** @param entry that ends in the position. */
export function readContent(entry: Uint8Array, content: string): IndexRow {
  const [collection, key, timeMs, sender, nonce, fields] = JSON.parse(content);
  return { collection, key, ...decodePosition(entry), timeMs, sender, nonce, fields };
}
