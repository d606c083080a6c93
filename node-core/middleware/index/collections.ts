/** Every collection of the index: those of the components, and the two of the chain itself. */
import type { Collection, FieldDeclaration } from '../../ledger/projection.ts';
import { COMPONENT_COLLECTIONS } from '../../protocol/projections.ts';

export const BLOCKS: Collection = {
  name: 'blocks',
  description: 'Blocks; the genesis is at height 0.',
  writtenOnce: true,
  key: 'height',
  fields: {
    hash: { type: 'hash', indexed: true, description: 'Header hash; of the genesis its own.' },
    blockTimeMs: { type: 'integer', indexed: true, description: 'Time of the block, ms since 1970 UTC.' },
    proposer: { type: 'account', indexed: true, description: 'Who proposed it first.' },
    transactions: { type: 'integer', indexed: false, description: 'How many it packed.' },
    events: { type: 'integer', indexed: false, description: 'How many events they caused.' },
    rows: { type: 'integer', indexed: false, description: 'How many rows of the index it wrote, this one included.' },
  },
};

export const TRANSACTIONS: Collection = {
  name: 'transactions',
  description: 'Packed transactions, rejected ones too.',
  writtenOnce: true,
  key: 'sender/nonce',
  fields: {
    sender: { type: 'account', indexed: true, description: 'Who signed it.' },
    code: { type: 'integer', indexed: true, description: '0: applied; otherwise the number of the rejection.' },
    type: { type: 'text', indexed: true, many: true, description: 'Types of its operations, each once.' },
    label: { type: 'text', indexed: false, description: 'What the statement is about, for people.' },
    operations: { type: 'integer', indexed: false, description: 'How many operations it has.' },
    expiry: { type: 'integer', indexed: false, description: 'Last height at which it could be packed.' },
    logIndex: { type: 'integer', indexed: false, description: 'Place in the log, when it was applied.' },
  },
};

export const COLLECTIONS: ReadonlyMap<string, Collection> = new Map(
  [BLOCKS, TRANSACTIONS, ...COMPONENT_COLLECTIONS].map((collection) => [collection.name, collection]),
);

/** What a collection says of a field; undefined when it has none of this name. Types of open fields differ by row. */
export function fieldOf(collection: Collection, name: string): FieldDeclaration | 'open' | undefined {
  if (Object.hasOwn(collection.fields, name)) return collection.fields[name];
  const { open } = collection;
  return open !== undefined && name.startsWith(open) && name.length > open.length ? 'open' : undefined;
}
