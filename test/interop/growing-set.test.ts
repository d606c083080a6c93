/**
 * Companies join a chain of real processes one by one, one of them rotates its key, one fails over to its standby key;
 * the chain never stands, and every receipt verifies from the genesis hash alone, here and in Python.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { decodeReceipt, verifyReceipt } from '../../node-core/chain/receipt.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { type CompanyNode, GrowingDevnet } from './growing-devnet.ts';
import { Python } from './python.ts';

const SIZE = 4;
/** Ten times the interval between blocks, and far below what a round without its proposer would take here. */
const LONGEST_GAP_MS = 5_000;
const root = mkdtempSync(join(tmpdir(), 'brop-growing-set-'));
let chain: GrowingDevnet;
const companies: CompanyNode[] = [];
/** Consensus key files of the set in force, by index. */
let keys: string[];
const receipts: { readonly bytes: Uint8Array; readonly signers: number; readonly changes: number }[] = [];

beforeAll(async () => {
  chain = await GrowingDevnet.start(root, 1);
  keys = [chain.founderKey(0)];
}, 120_000);
afterAll(async () => {
  await chain?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A receipt that is given out now, and what it must always say. */
async function witness(signers: number, changes: number): Promise<void> {
  receipts.push({ bytes: await chain.receipt(), signers, changes });
}

/** Waits for a certificate with a signature by this key of this validator; certificates are of any quorum. */
async function signs(index: number, key: 0 | 1): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [, signatures] = decodeReceipt(await chain.receipt()).certificate;
    if (signatures.some(([validator, which]) => validator === index && which === key)) return;
  }
  throw new Error(`validator ${index} has signed no block with key ${key}`);
}

it('grows from one validator to four', async () => {
  await witness(1, 0);
  for (let size = 2; size <= SIZE; size++) {
    const company = await chain.joins(`company ${size}`);
    const key = join(company.folder, 'consensus-key.json');
    const effective = await chain.change(keys, '--add', `account=${company.account},power=1,key=${key}`);
    companies.push(company);
    keys.push(key);
    await signs(size - 1, 0);
    await witness(size, size - 1);
    await chain.until(effective + 3);
    expect(await chain.longestGapMs(effective - 3, effective + 3)).toBeLessThan(LONGEST_GAP_MS);
  }
}, 180_000);

it('a process with the new key takes over at the height of the change, and the old one follows', async () => {
  const old = companies[0]!;
  const successor = await chain.startsSuccessor(old);
  const key = join(successor.folder, 'consensus-key.json');
  const effective = await chain.change(keys, '--rotate', `account=${old.account},key=${key}`);
  keys[1] = key;
  await signs(1, 0);
  await chain.until(effective + 3);
  expect(await chain.longestGapMs(effective - 3, effective + 3)).toBeLessThan(LONGEST_GAP_MS);
  expect(chain.hasLogged(old, 'this validator is not in the set any more: it follows')).toBe(true);
  expect(chain.hasLogged(successor, 'this validator is in the set from here on')).toBe(true);
  await chain.end(old);
  await signs(1, 0);
  await witness(SIZE, SIZE);
}, 120_000);

it('a validator that is started with its standby key goes on under the same vote record, and says so', async () => {
  const company = companies[1]!;
  const standby = await chain.key(company, 'standby-key.json');
  await chain.change(keys, '--standby', `account=${company.account},key=${standby}`);
  await signs(2, 0);
  await chain.restartsWith(company, 'standby-key.json');
  await signs(2, 1);
  expect(chain.hasLogged(company, 'this validator signs with its standby key')).toBe(true);
  await witness(SIZE, SIZE + 1);
  await chain.restartsWith(company, 'consensus-key.json');
  await signs(2, 0);
  const { count } = (await chain.http.json('/v1/status')).equivocations as { readonly count: number };
  expect(count).toBe(0);
}, 120_000);

it('every receipt verifies across all of it', async () => {
  const python = new Python();
  try {
    for (const { bytes, signers, changes } of receipts) {
      const facts = verifyReceipt(crypto, bytes, chain.genesis.hash);
      if ('code' in facts) throw new Error(`${facts.code} ${facts.detail ?? ''}`);
      expect(facts.trusted.validators.validators).toHaveLength(signers);
      expect(decodeReceipt(bytes).setChanges).toHaveLength(changes);
      const answer = await python.run('verify_receipt.py', [
        python.file(bytes),
        '--genesis',
        toHex(chain.genesis.hash),
      ]);
      expect(answer).toMatchObject({ exitCode: 0 });
    }
  } finally {
    python.close();
  }
}, 60_000);
