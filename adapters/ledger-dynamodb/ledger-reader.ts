/** Final answers out of a ledger table: what a node would say of the same chain, each with its proof. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Anchor, SetChange } from '../../node-core/chain/anchor.ts';
import { BlockReceipts } from '../../node-core/chain/block-receipts.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { decodeGenesis, type Genesis } from '../../node-core/chain/genesis.ts';
import { decodeHeader } from '../../node-core/chain/header.ts';
import { type AccountId, transactionStem } from '../../node-core/chain/identifiers.ts';
import type { StoredBlock } from '../../node-core/chain/stored-block.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { blockView } from '../../node-core/middleware/block-view.ts';
import type { BlockView, ChainStatus, TransactionStatus } from '../../node-core/ports/chain-access.ts';
import { type Item, Table } from '../dynamodb/table.ts';
import {
  blockName,
  blockOf,
  bytesOf,
  GENESIS,
  HEAD_KEY,
  type Head,
  headOf,
  joined,
  type Place,
  partKey,
  placeOf,
  recordKey,
  SET_CHANGES,
  setChangeOf,
  transactionName,
} from './items.ts';

/** Decoded blocks that are kept: receipts and events of one block are asked for together. */
const BLOCKS_KEPT = 16;
/** Waiting begins at the first and gets to the last: a table is asked at most twelve times in the first second, then four. */
const POLL_MS = [40, 60, 80, 100];
const POLL_LAST_MS = 250;

export class LedgerReader {
  readonly genesis: Genesis;
  private readonly crypto: CryptoProvider;
  private readonly table: Table;
  private readonly receipts: BlockReceipts;
  private readonly blocks = new Map<number, StoredBlock>();
  private changes: { readonly through: number; readonly all: readonly SetChange[] } = { through: -1, all: [] };

  private constructor(crypto: CryptoProvider, table: Table, genesis: Genesis) {
    this.crypto = crypto;
    this.table = table;
    this.genesis = genesis;
    this.receipts = new BlockReceipts(crypto);
  }

  /** The client stays the caller's. @throws {BropError} NOT_SYNCED when no node has written a block yet. */
  static async open(crypto: CryptoProvider, client: DynamoDBClient, tableName: string): Promise<LedgerReader> {
    const table = new Table(client, tableName);
    const bytes = await readParts(table, GENESIS);
    if (bytes === undefined) throw empty();
    return new LedgerReader(crypto, table, decodeGenesis(crypto, joined(bytes)));
  }

  /** @throws {BropError} NOT_SYNCED */
  async head(): Promise<Head> {
    const item = await this.table.get(HEAD_KEY);
    if (item === undefined) throw empty();
    return headOf(item);
  }

  async status(): Promise<ChainStatus> {
    return (await this.head()).status;
  }

  /** undefined where the table has no such block, above its end or below its beginning. */
  async storedBlock(height: number): Promise<StoredBlock | undefined> {
    const known = this.blocks.get(height);
    if (known !== undefined) return known;
    const parts = await readParts(this.table, blockName(height));
    if (parts === undefined) return undefined;
    const block = blockOf(parts);
    if (this.blocks.size >= BLOCKS_KEPT) this.blocks.delete(this.blocks.keys().next().value!);
    this.blocks.set(height, block);
    return block;
  }

  /** @throws {BropError} PRUNED below the beginning of the table. */
  async block(height: number): Promise<BlockView | undefined> {
    const block = await this.storedBlock(height);
    if (block !== undefined) return blockView(this.crypto, block);
    if (height > 0) await this.assertKept(height);
    return undefined;
  }

  /** @throws {BropError} PRUNED */
  async assertKept(height: number): Promise<void> {
    const { firstHeight } = await this.head();
    if (height < firstHeight)
      throw new BropError('PRUNED', `Height ${height}; blocks are kept from ${firstHeight} on.`);
  }

  /** undefined when it is not final, or not here yet. */
  async transaction(
    sender: AccountId,
    nonce: Uint8Array,
  ): Promise<Extract<TransactionStatus, { readonly status: 'final' }> | undefined> {
    const place = await this.place(sender, nonce);
    if (place === undefined) return undefined;
    const { height, index } = place;
    const { results } = await this.placed(place);
    return { status: 'final', height, index, result: results[index]! };
  }

  /** The receipt file; undefined when it is not final, or not here yet. @throws {BropError} STORE_CORRUPT */
  async receipt(sender: AccountId, nonce: Uint8Array): Promise<Uint8Array | undefined> {
    const place = await this.place(sender, nonce);
    if (place === undefined) return undefined;
    const block = await this.placed(place);
    const [record, anchor] = await Promise.all([
      this.table.get(recordKey(block.results[place.index]![4]), { eventually: true }),
      this.anchorOf(block),
    ]);
    const beside = { sender: bytesOf(record?.record), inLog: place.inLog };
    const receipt = this.receipts.make(anchor, block, place.index, beside);
    if ('code' in receipt) throw damaged(`a receipt of block ${place.height} cannot be proven: ${receipt.detail}`);
    return receipt;
  }

  /** Resolves with true once the transaction is final here, with false after `timeoutMs`. Asks at a bounded rate. */
  async waitFinal(sender: AccountId, nonce: Uint8Array, timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    for (let asked = 0; ; asked++) {
      if ((await this.place(sender, nonce)) !== undefined) return true;
      const leftMs = until - performance.now();
      if (leftMs <= 0) return false;
      await new Promise((next) => setTimeout(next, Math.min(POLL_MS[asked] ?? POLL_LAST_MS, leftMs)));
    }
  }

  /** The newest: a pair may be used again once the chain has forgotten it. */
  private async place(sender: AccountId, nonce: Uint8Array): Promise<Place | undefined> {
    const stem = transactionStem(this.crypto, { sender, nonce });
    const { Items = [] } = await this.table.query({
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: transactionName(stem) } },
      ScanIndexForward: false,
      Limit: 1,
    });
    return Items[0] === undefined ? undefined : placeOf(Items[0]);
  }

  /** A block is written before the places in it. */
  private async placed({ height, index }: Place): Promise<StoredBlock> {
    const block = await this.storedBlock(height);
    if (block?.results[index] === undefined) throw damaged(`block ${height} has no transaction ${index}`);
    return block;
  }

  private async anchorOf({ header, headerBytes, certificate }: StoredBlock): Promise<Anchor> {
    const changes = await this.changesThrough(header.height);
    const setChanges = changes.filter(([bytes]) => decodeHeader(bytes).height < header.height);
    return { genesis: this.genesis.bytes, setChanges, header: headerBytes, certificate };
  }

  /** They are written with their block: those of what has been read once are all known. */
  private async changesThrough(height: number): Promise<readonly SetChange[]> {
    if (height > this.changes.through) {
      const { height: through } = await this.head();
      const all: SetChange[] = [];
      const condition = {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: SET_CHANGES } },
      };
      for await (const item of this.table.queryAll(condition)) all.push(setChangeOf(item));
      this.changes = { through, all };
    }
    return this.changes.all;
  }
}

/** All parts, the first of them first; undefined when there is none, or not all of them yet. */
async function readParts(table: Table, of: string): Promise<readonly Item[] | undefined> {
  const first = await table.get(partKey(of, 0));
  if (first === undefined) return undefined;
  const others = Array.from({ length: Number(first.parts!.N) - 1 }, (_, i) => partKey(of, i + 1));
  const found = new Map((await table.getAll(others)).map((item) => [item.sk!.S!, item]));
  return [first, ...others.map(({ sk }) => found.get(sk!.S!)).filter((item) => item !== undefined)];
}

function empty(): BropError {
  return new BropError('NOT_SYNCED', 'the ledger table has no block yet');
}

function damaged(what: string): BropError {
  return new BropError('STORE_CORRUPT', what);
}
