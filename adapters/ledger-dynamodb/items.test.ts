import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../node-core/chain/block.ts';
import { encodeHeader, type Header } from '../../node-core/chain/header.ts';
import type { StoredBlock } from '../../node-core/chain/stored-block.ts';
import type { ChainStatus } from '../../node-core/ports/chain-access.ts';
import {
  blockItems,
  blockOf,
  headOf,
  heightText,
  joined,
  PART_BYTES,
  partItems,
  placeOf,
  statusText,
  transactionItem,
} from './items.ts';

const MAX_ITEM_BYTES = 409_600;
const hash = (fill: number) => new Uint8Array(32).fill(fill);
const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 40 });
const height = fc.integer({ min: 1, max: 2 ** 38 });

describe('parts', () => {
  it.each([0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])('%d bytes come back as they were', (length) => {
    const content = new Uint8Array(length).map((_, i) => i);
    const items = partItems('x', content);
    expect(items).toHaveLength(Math.max(1, Math.ceil(length / PART_BYTES)));
    expect(joined(items)).toEqual(content);
    expect(items.map(({ sk }) => sk!.S).sort()).toEqual(items.map(({ sk }) => sk!.S));
  });

  it('one that is missing is noticed', () => {
    const items = partItems('x', new Uint8Array(3 * PART_BYTES));
    expect(() => joined(items.slice(0, 2))).toThrow('2 parts of 3');
  });
});

describe('blocks', () => {
  const header = {
    ...{ chain: hash(1), protocolVersion: 1, height: 7, timeMs: 8, parent: hash(2), logSize: 9, logRoot: hash(3) },
    ...{ blockRoot: hash(4), stateRoot: hash(5), eventsRoot: hash(6), eventCount: 0, transactionCount: 0 },
    ...{ validatorsHash: hash(7), nextValidatorsHash: hash(8), round: 0, proposer: new Uint8Array(20) },
  } as unknown as Header;

  it('of any size come back as they were, in items that DynamoDB takes', () => {
    const headerBytes = encodeHeader(header);
    const signatures = Array.from({ length: 100 }, (_, i) => [i, 0, new Uint8Array(64).fill(i)] as const);
    const transaction = fc.uint8Array({ minLength: 60_000, maxLength: 65_535, size: 'max' });
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 14 }), (transactions) => {
        const results = transactions.map((_, i): Result => [0, null, i, i + 1, hash(i)]);
        const block = {
          header,
          headerBytes,
          transactions,
          results,
          certificate: [3, signatures],
        } as unknown as StoredBlock;
        const items = blockItems(block);
        expect(blockOf(items)).toEqual({ ...block, header: expect.anything() });
        for (const item of items) {
          const sizes = Object.entries(item).map(([name, { S, N, B }]) => name.length + (S ?? N ?? B ?? '').length);
          expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(MAX_ITEM_BYTES);
        }
      }),
      { numRuns: 10 },
    );
  });
});

it('places of transactions come back as they were', () => {
  fc.assert(
    fc.property(height, fc.integer({ min: 0, max: 9_999 }), fc.option(hashes), (at, index, inLog) => {
      const item = transactionItem({ stem: hash(1), sender: hash(2), inLog }, at, index);
      expect(placeOf(item)).toEqual({ height: at, index, inLog });
    }),
  );
});

it('heights as text sort as numbers do', () => {
  fc.assert(
    fc.property(height, height, (a, b) => {
      expect(heightText(a) < heightText(b)).toBe(a < b);
    }),
  );
});

it('a status comes back as it was, whatever texts are in it', () => {
  const status = {
    genesisHash: hash(1),
    name: 'bytes: {"bytes":"00"}',
    pending: { transactions: 1, bytes: 2 },
    validators: [{ account: new Uint8Array(20), name: 'bytes', power: 1 }],
    equivocations: { count: 1, validators: [new Uint8Array(20).fill(9)] },
    consensus: null,
  } as unknown as ChainStatus;
  const item = { height: { N: '5' }, firstHeight: { N: '2' }, status: { S: statusText(status) } };
  expect(headOf(item)).toEqual({ height: 5, firstHeight: 2, status });
});
