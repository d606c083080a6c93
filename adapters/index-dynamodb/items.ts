/** The items of the table, and the way between them and rows. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { concat, uint64, utf8 } from '../../node-core/codec/bytes.ts';
import { encodePosition, type FieldEntry } from '../../node-core/middleware/index/entries.ts';
import type { IndexRow } from '../../node-core/ports/index-store.ts';
import type { Item } from '../dynamodb/table.ts';

export interface ItemKey extends Item {
  readonly pk: AttributeValue.SMember;
  readonly sk: AttributeValue.BMember;
}

export const PROGRESS: ItemKey = key('progress', utf8('progress'));

export function blockKey(generation: number, height: number): ItemKey {
  return key(`${generation}/block`, uint64(height));
}

export function rowKey(generation: number, collection: string, rowsKey: string): ItemKey {
  return key(`${generation}/row/${collection}/${rowsKey}`, utf8('row'));
}

/** The bytes of an entry may be none, which a key must not be: a letter goes before them. */
const ENTRY = utf8('e');

export function listName(generation: number, collection: string, field: string): string {
  return `${generation}/entry/${collection}/${field}`;
}

export function entrySort(at: Uint8Array): Uint8Array {
  return concat(ENTRY, at);
}

export function entryAt(item: Item): Uint8Array {
  return new Uint8Array(item.sk!.B!).subarray(ENTRY.length);
}

export function entryKey(generation: number, collection: string, { field, at }: FieldEntry): ItemKey {
  return key(listName(generation, collection, field), entrySort(at));
}

function key(pk: string, sk: Uint8Array): ItemKey {
  return { pk: { S: pk }, sk: { B: sk } };
}

export function rowItem(generation: number, row: IndexRow): Item {
  const { collection, key: rowsKey, height, transaction, row: number, timeMs, sender, nonce, fields } = row;
  return {
    ...rowKey(generation, collection, rowsKey),
    position: { B: encodePosition(row) },
    row: { S: JSON.stringify([collection, rowsKey, height, transaction, number, timeMs, sender, nonce, fields]) },
  };
}

export function rowOf(item: Item): IndexRow {
  const [collection, rowsKey, height, transaction, row, timeMs, sender, nonce, fields] = JSON.parse(item.row!.S!);
  return { collection, key: rowsKey, height, transaction, row, timeMs, sender, nonce, fields };
}

export function positionOf(item: Item): Uint8Array {
  return new Uint8Array(item.position!.B!);
}
