import { expect, test } from 'vitest';
import { decode, encode } from '../codec/cbor.ts';
import { DEFAULT_PARAMETERS, type Parameters, parameters, priceList } from './parameters.ts';
import { MAX_TRANSACTION_BYTES } from './transaction.ts';

const read = (value: Parameters) => parameters.decode(decode(encode(parameters.encode(value))), 'parameters');
const refuses = (fields: Partial<Parameters>) => {
  expect(() => read({ ...DEFAULT_PARAMETERS, ...fields })).toThrow();
};

test('the defaults are within their bounds', () => {
  expect(read(DEFAULT_PARAMETERS)).toEqual(DEFAULT_PARAMETERS);
});

test('the design: 3 s between blocks, at least 500 ms, expiry at most 14,400 heights ahead', () => {
  const { blockIntervalMs, minBlockIntervalMs, expiryWindow } = DEFAULT_PARAMETERS;
  expect([blockIntervalMs, minBlockIntervalMs, expiryWindow]).toEqual([3_000, 500, 14_400]);
});

test('the smallest block has room for the longest transaction', () => {
  expect(70_000).toBeGreaterThanOrEqual(MAX_TRANSACTION_BYTES + 1_024 + 5);
  expect(read({ ...DEFAULT_PARAMETERS, maxBlockBytes: 70_000 }).maxBlockBytes).toBe(70_000);
  refuses({ maxBlockBytes: 69_999 });
});

test('out of bounds, missing or unknown is refused', () => {
  refuses({ blockIntervalMs: 0 });
  refuses({ expiryWindow: 10_000_001 });
  refuses({ maxBlockTransactions: 10_001 });
  refuses({ prices: { ...DEFAULT_PARAMETERS.prices, byte: 1_000_000_001 } });
  refuses({ userQuota: { max: 1, periodMs: 0 } });
  const map = new Map([...(parameters.encode(DEFAULT_PARAMETERS) as Map<string, never>)]);
  map.delete('prices');
  expect(() => parameters.decode(map, 'parameters')).toThrow('prices is missing');
  map.set('prices', priceList.encode(DEFAULT_PARAMETERS.prices) as never).set('extra', 1 as never);
  expect(() => parameters.decode(map, 'parameters')).toThrow('unknown field extra');
});
