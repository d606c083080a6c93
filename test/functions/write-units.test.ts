/** What a registered evidence costs in DynamoDB writes, ledger and index together: ADR 0028 and the cost model have these figures. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { ChainIndex } from '../../functions/indexer/chain-index.ts';
import { REGISTER, registerBody } from '../../node-core/chain/operations/evidence.ts';
import { crypto, random } from '../api/in-process-node.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { ProxyRig } from '../aws/proxy-rig.ts';
import { countWriteUnits } from './write-units.ts';

/** Most that one may cost, whatever else changes: beside the receipt's item and its share of a block, one for each list. */
const MAX_UNITS_PER_EVIDENCE = 13;
const MAX_UNITS_PER_BLOCK = 12;
const EVIDENCES = 60;

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

it('is bounded, for each evidence and for each block', async () => {
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
  const body = () =>
    registerBody.encode({
      digests: new Map([['sha-256', random(32)]]),
      ...{ subject: 'lot 2026-11-28/17', mediaType: 'application/pdf', sizeBytes: 123_456 },
    });
  const operations = Array.from({ length: EVIDENCES }, () => [{ type: REGISTER, body: body() }]);
  const outcomes = await rig.clientOf().submitAll(operations);
  expect(outcomes).toHaveLength(EVIDENCES);
  const writer = rig.writer(ledger, client);
  writer.start();
  await rig.caughtUp(writer);
  await writer.stop();
  await chain.catchUp(signal);
  const blocks = rig.source.height - before;
  const [ofLedger, ofIndex] = [units.get(ledger) ?? 0, units.get(index) ?? 0];
  console.log(`write units: ${EVIDENCES} evidences in ${blocks} blocks: ledger ${ofLedger}, index ${ofIndex}`);
  expect(ofLedger + ofIndex).toBeLessThan(EVIDENCES * MAX_UNITS_PER_EVIDENCE + blocks * MAX_UNITS_PER_BLOCK);
});
