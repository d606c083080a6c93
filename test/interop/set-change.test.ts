/**
 * Validators come and go on a chain of real processes: a dead one is removed, one gets another power, and receipts of
 * before, between and after verify from the genesis hash alone, here and in Python.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { createNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import { decodeGenesis, type Genesis } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { REGISTER_NODE, registerNodeBody, UNREGISTER_NODE } from '../../node-core/chain/operations/register-node.ts';
import { entryOf, SET_VALIDATORS, setValidatorsBody } from '../../node-core/chain/operations/set-validators.ts';
import { decodeReceipt, verifyReceipt } from '../../node-core/chain/receipt.ts';
import { approvalMessage, proposedSet } from '../../node-core/chain/set-approval.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../../node-core/chain/transaction.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { SetInForce } from '../../node-core/ledger/validators.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { random } from '../bench/chain.ts';
import { HttpClient } from '../bench/client.ts';
import { Python } from './python.ts';

const VALIDATORS = 5;
const folder = mkdtempSync(join(tmpdir(), 'brop-set-change-'));
let devnet: Devnet;
let http: HttpClient;
let genesis: Genesis;

beforeAll(async () => {
  const parameters = { minBlockIntervalMs: 50, blockIntervalMs: 1_000 };
  const options = { folder: join(folder, 'devnet'), validators: VALIDATORS, apiPort: 0, parameters } as const;
  devnet = await startDevnet({ ...options, logLevel: 'warn' }, () => {});
  http = new HttpClient(devnet.apiUrl, 4);
  genesis = decodeGenesis(crypto, readFileSync(join(devnet.folder, 'genesis.cbor')));
}, 120_000);
afterAll(async () => {
  http?.close();
  await devnet?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const heightNow = async () => Number((await http.json('/v1/status')).height);
const consensusKey = (index: number) => openKeyFile(join(devnet.folder, `validator-${index}`, 'consensus-key.json'));

/** Sent by the operator; resolves with the receipt. */
async function receiptOf(operation: Operation): Promise<Uint8Array> {
  const key = openKeyFile(join(devnet.folder, 'operator', 'account-key.json'));
  const draft = {
    chain: genesis.hash,
    protocolVersion: 1,
    sender: genesisAccountId(crypto, key.publicKey),
    label: 'test',
    nonce: random(32),
    expiry: (await heightNow()) + 1_000,
    operations: [operation],
  };
  const unsigned = prepareTransaction(crypto, draft, key.publicKey);
  const bytes = finishTransaction(unsigned, await key.sign(unsigned.message));
  const { status, body } = await http.send('POST', '/v1/transactions', bytes, { prefer: 'wait=20' });
  expect(status, String(body)).toBe(200);
  return new Uint8Array(body);
}

/** Approved by these of the set in force, whose consensus keys are those of the devnet's validators of that number. */
async function change({ set: current, since }: SetInForce, next: readonly Validator[], approvers: readonly number[]) {
  const validators = next.map(entryOf);
  const effectiveHeight = (await heightNow()) + 5;
  const set = proposedSet(crypto, { validators });
  const facts = {
    chain: genesis.hash,
    protocolVersion: 1,
    current: current.hash,
    since,
    next: set.hash,
    effectiveHeight,
  };
  const approvals = [];
  for (const index of approvers) {
    const validator = current.validators[index]!;
    const key = consensusKey(genesis.validators.validators.findIndex(({ id }) => toHex(id) === toHex(validator.id)));
    approvals.push([index, 0, await key.sign(approvalMessage(crypto, facts, validator, key.publicKey))] as const);
  }
  const body = setValidatorsBody.encode({ validators, effectiveHeight, approvals });
  return { set, effectiveHeight, operation: { type: SET_VALIDATORS, body } };
}

const register = (type: string, nodeKey: Uint8Array): Operation => ({
  type,
  body: registerNodeBody.encode({ nodeKey }),
});

async function until(height: number): Promise<void> {
  while ((await heightNow()) < height) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function kill(index: number): Promise<void> {
  const { process } = devnet.processes[index]!;
  process.kill('SIGKILL');
  await once(process, 'exit');
}

function facts(receipt: Uint8Array) {
  const verified = verifyReceipt(crypto, receipt, genesis.hash);
  if ('code' in verified) throw new Error(`${verified.code} ${verified.detail ?? ''}`);
  const { setChanges } = decodeReceipt(receipt);
  return {
    code: verified.result[0],
    signers: verified.trusted.validators.validators.length,
    changes: setChanges.length,
  };
}

it('removes a dead validator, so that another may fail; receipts verify across the changes, in Python too', async () => {
  const node = createNodeIdentity(join(folder, 'node-key.pem'));
  const before = await receiptOf(register(REGISTER_NODE, fromHex(node.peerId)));
  expect(facts(before)).toEqual({ code: 0, signers: 5, changes: 0 });
  await kill(4);
  const all = { set: genesis.validators, since: 1 };
  const four = all.set.validators.slice(0, 4);
  // Three of five are not more than two thirds.
  const unapproved = await change(all, four, [0, 1, 2]);
  expect(facts(await receiptOf(unapproved.operation)).code).toBe(2114);
  const removal = await change(all, four, [0, 1, 2, 3]);
  expect(facts(await receiptOf(removal.operation))).toEqual({ code: 0, signers: 5, changes: 0 });
  await until(removal.effectiveHeight);
  const between = await receiptOf(register(UNREGISTER_NODE, fromHex(node.peerId)));
  expect(facts(between)).toEqual({ code: 0, signers: 4, changes: 1 });
  // Five with two dead would stand still; four with one dead go on.
  await kill(3);
  const stronger = four.map((validator, i) => (i === 0 ? { ...validator, power: 2 } : validator));
  const second = await change({ set: removal.set, since: removal.effectiveHeight }, stronger, [0, 1, 2]);
  expect(facts(await receiptOf(second.operation))).toEqual({ code: 0, signers: 4, changes: 1 });
  await until(second.effectiveHeight + 2);
  const after = await receiptOf(register(REGISTER_NODE, fromHex(node.peerId)));
  expect(facts(after)).toEqual({ code: 0, signers: 4, changes: 2 });
  const status = (await http.json('/v1/status')) as { readonly validators: readonly { readonly power: number }[] };
  expect(status.validators.map(({ power }) => power)).toEqual([2, 1, 1, 1]);
  const python = new Python();
  try {
    for (const receipt of [before, between, after]) {
      const answer = await python.run('verify_receipt.py', [python.file(receipt), '--genesis', toHex(genesis.hash)]);
      expect(answer).toMatchObject({ exitCode: 0 });
    }
  } finally {
    python.close();
  }
}, 120_000);
