/** What a registered evidence costs in DynamoDB writes, ledger and index together: ADR 0028 and the cost model have these figures. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packed } from '../../adapters/dynamodb/packing.ts';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { blockItems } from '../../adapters/ledger-dynamodb/items.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { BLOCK, RECORD } from '../../cli/cost/usage.ts';
import { ChainIndex } from '../../functions/indexer/chain-index.ts';
import { REGISTER, registerBody } from '../../node-core/chain/operations/evidence.ts';
import { concat } from '../../node-core/codec/bytes.ts';
import { crypto, random } from '../api/in-process-node.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { ProxyRig } from '../aws/proxy-rig.ts';
import { countWriteUnits } from './write-units.ts';

const EVIDENCES = 200;
/** Items of a block, rounded up each. */
const ROUNDED_UP = 2;

let emulator: Emulator;
let rig: ProxyRig;
beforeAll(async () => {
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
}, 60_000);
afterAll(async () => {
  await rig?.stop();
  await emulator?.stop();
});

it('is what the cost model counts, for each evidence and for each block', async () => {
  const client = rig.client();
  const [ledger, index] = [await rig.table('ledger', 'S'), await rig.table('index', 'B')];
  await rig.copy(ledger);
  const reader = await LedgerReader.open(crypto, client, ledger);
  const feed = await LedgerFeed.open(reader);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const store = new DynamoDbIndexStore(client, index);
  const chain = new ChainIndex({ crypto, genesis: reader.genesis, feed, store, notify: async () => feed.height, log });
  const signal = new AbortController().signal;
  await chain.catchUp(signal);
  const before = rig.source.height;
  const units = countWriteUnits(client);
  const body = (i: number) =>
    registerBody.encode({
      digests: new Map([['sha-256', random(32)]]),
      ...{ subject: `lot 2026-11-28/${i * 7_919}`, mediaType: 'application/pdf', sizeBytes: 123_456 + i * i },
    });
  const operations = Array.from({ length: EVIDENCES }, (_, i) => [{ type: REGISTER, body: body(i) }]);
  const outcomes = await rig.clientOf().submitAll(operations);
  expect(outcomes).toHaveLength(EVIDENCES);
  const writer = rig.writer(ledger, client);
  writer.start();
  await rig.caughtUp(writer);
  await writer.stop();
  await chain.catchUp(signal);
  const stored = [];
  for (let height = before + 1; height <= rig.source.height; height++) stored.push((await reader.storedBlock(height))!);
  const lengths = stored.flatMap(({ transactions }) => transactions.map(({ length }) => length));
  const [largest] = stored.sort((a, b) => b.transactions.length - a.transactions.length);
  const packedBytes = blockItems(largest!).reduce((sum, { content }) => sum + content!.B!.length, 0);
  const perRecord = packedBytes / largest!.transactions.length;
  const journaled = packed(concat(...largest!.transactions)).length / largest!.transactions.length;
  const [ofLedger, ofIndex] = [units.get(ledger) ?? 0, units.get(index) ?? 0];
  console.log(
    `write units of ${EVIDENCES} evidences in ${stored.length} blocks: ledger ${ofLedger}, index ${ofIndex}; ` +
      `a transaction has at most ${Math.max(...lengths)} bytes, and takes ${journaled.toFixed(0)} in a journal and ${perRecord.toFixed(0)} in the ledger, in a block of ${largest!.transactions.length}`,
  );
  expect(Math.max(...lengths)).toBeLessThanOrEqual(RECORD.transactionBytes);
  expect(largest!.transactions.length).toBeGreaterThan(EVIDENCES / 4);
  // All of one sender here: with another one for each, journals have some 50 bytes more, and the ledger 85.
  expect(journaled + 50).toBeLessThanOrEqual(RECORD.journaledBytes);
  expect(perRecord + 85).toBeLessThanOrEqual(RECORD.packedBytes);
  const perEvidence = RECORD.ledgerItems + RECORD.packedBytes / 1_024;
  expect(ofLedger).toBeLessThanOrEqual(EVIDENCES * perEvidence + stored.length * (BLOCK.ledgerWrites + ROUNDED_UP));
  expect(ofIndex).toBeLessThanOrEqual(
    EVIDENCES * (RECORD.evidenceItems + RECORD.transactionItems) + stored.length * BLOCK.indexWrites,
  );
  expect(ofIndex).toBeGreaterThan(EVIDENCES * (RECORD.evidenceItems + RECORD.transactionItems));
});
