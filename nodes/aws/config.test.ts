import { expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { parseS3Url } from './references.ts';

const validator = {
  role: 'validator',
  genesis: 's3://common/genesis.cbor',
  dataFolder: 'data',
  nodeKey: 'secretsmanager:one/node-key',
  consensusKey: { driver: 'kms', keyId: 'alias/votes' },
  fileSources: ['s3://others/chain', 'folder', 'https://node.example/files/'],
  voteRecord: { driver: 'dynamodb', table: 'votes', validator: 'one' },
  proposals: { table: 'journal' },
  publish: 's3://files/chain',
};
const parse = (changes: object) => parseConfig(JSON.stringify({ ...validator, ...changes }), 'BROP_CONFIG', '/srv');

it('names on AWS stay as they are, paths are made absolute', () => {
  expect(parse({})).toMatchObject({
    genesis: 's3://common/genesis.cbor',
    nodeKey: 'secretsmanager:one/node-key',
    dataFolder: '/srv/data',
    fileSources: ['s3://others/chain', '/srv/folder', 'https://node.example/files/'],
    publishEveryMs: 60_000,
  });
  const { genesis, nodeKey } = parse({ genesis: 'genesis.cbor', nodeKey: 'node-key.pem' });
  expect([genesis, nodeKey]).toEqual(['/srv/genesis.cbor', '/srv/node-key.pem']);
});

it('without any of it the vote record is a file', () => {
  const { publish: _, proposals: __, voteRecord: ___, ...plain } = validator;
  const config = parseConfig(JSON.stringify(plain), 'x', '/srv');
  expect(config).toMatchObject({ voteRecord: { driver: 'file' } });
});

it.each([
  [{ publish: 'https://files' }, 'publish: must be s3://bucket or s3://bucket/prefix'],
  [{ publish: 's3://files/../other' }, 'publish: must be s3://bucket'],
  [{ publishEveryMs: 10 }, 'publishEveryMs: '],
  [{ voteRecord: { driver: 'dynamodb', table: 'votes' } }, 'voteRecord.validator: '],
  [{ voteRecord: { driver: 'dynamodb', table: 'v', validator: 'one' } }, 'voteRecord.table: is no name'],
  [{ voteRecord: { driver: 'file' } }, 'proposals: a disk that may vanish takes the vote record with it'],
  [{ publish: undefined }, 'proposals: they are kept until publish has their blocks'],
  [{ proposals: { tabel: 'x' } }, 'proposals'],
])('%o: one line that names the field', (changes, line) => {
  expect(() => parse(changes)).toThrow(line);
  expect(() => parse(changes)).toThrow(/^[^\n]*BROP_CONFIG: [^\n]*$/);
});

it('what is not JSON is not shown', () => {
  expect(() => parseConfig('{"nodeKey": "secret', 'BROP_CONFIG', '/')).toThrow(/BROP_CONFIG: not JSON\.$/);
});

it.each([
  ['s3://bucket', { bucket: 'bucket', key: '' }],
  ['s3://bucket/', { bucket: 'bucket', key: '' }],
  ['s3://my.bucket-1/a/b.c/', { bucket: 'my.bucket-1', key: 'a/b.c' }],
  ['s3://Bucket/a', undefined],
  ['s3://bucket//a', undefined],
  ['s3://bucket/a/.b', undefined],
  ['s3:/bucket', undefined],
  ['http://bucket', undefined],
])('%s', (url, place) => expect(parseS3Url(url)).toEqual(place));
