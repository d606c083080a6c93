/**
 * Golden vectors: every signed and proven form of the protocol once, from fixed seeds. The test beside compares them
 * with what the code makes now, so that any change of bytes is noticed. Only a new protocol version may change them:
 *
 *   node test/vectors/brop/make.ts     writes the files again
 */
import { writeFileSync } from 'node:fs';
import { Batch } from '../../../node-core/chain/batch.ts';
import { encodeResult } from '../../../node-core/chain/block.ts';
import { headerHash, recordIdUnder, recordId, transactionStem } from '../../../node-core/chain/identifiers.ts';
import { REGISTER, REGISTER_BATCH, registerBatchBody, registerBody } from '../../../node-core/chain/operations/evidence.ts';
import { encodeSubjectHead, evidenceRecord } from '../../../node-core/chain/operations/evidence-record.ts';
import { registerSchemaBody, schemaFromJson, schemaId } from '../../../node-core/chain/operations/record-schema.ts';
import { entryOf, setValidatorsBody } from '../../../node-core/chain/operations/set-validators.ts';
import { encodeReceipt } from '../../../node-core/chain/receipt.ts';
import { proofToJson } from '../../../node-core/chain/receipt-json.ts';
import { transparentStatement } from '../../../node-core/chain/scitt.ts';
import { approvalMessage, proposedSet } from '../../../node-core/chain/set-approval.ts';
import { stateKey } from '../../../node-core/chain/state-keys.ts';
import { encodeSubjectProof } from '../../../node-core/chain/subject-proof.ts';
import { encodeTransactionEntry } from '../../../node-core/chain/transaction-entry.ts';
import { decodeTransaction, signedMessage } from '../../../node-core/chain/transaction.ts';
import { voteMessage, voteProtectedHeader } from '../../../node-core/chain/votes.ts';
import { accountIdToText } from '../../../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../../../node-core/codec/bytes.ts';
import { decode, encode } from '../../../node-core/codec/cbor.ts';
import { decodeSign1 } from '../../../node-core/crypto/cose.ts';
import { generateKeyPair } from '../../../node-core/crypto/generate.ts';
import { keyId } from '../../../node-core/crypto/keys.ts';
import type { HashAlgorithm, SuiteName } from '../../../node-core/crypto/provider.ts';
import { pureCrypto as crypto } from '../../../node-core/crypto/pure.ts';
import { seededBytes, type SyntheticBlock, SyntheticChain, sign } from '../../proofs/synthetic-chain.ts';

/** By file name: what stands in the file. All bytes are hexadecimal. */
export type Vectors = Readonly<Record<string, unknown>>;

const FILE = utf8('BROP golden vector 可信登记\n');
const ALL: HashAlgorithm[] = ['sha-256', 'sha-512', 'sha3-256', 'sm3'];

export async function makeVectors(): Promise<Vectors> {
  const chain = await SyntheticChain.make(crypto, 'golden vectors', { standby: true, name: 'golden vectors 金' });
  const digests = new Map(ALL.map((algorithm) => [algorithm, crypto.hash(algorithm, FILE)]));
  const body = registerBody.encode({
    digests,
    mediaType: 'text/plain',
    sizeBytes: FILE.length,
    subject: 'lot 1',
    attributes: new Map<string, string | number | boolean>([['colour', '红'], ['count', 3], ['ok', true]]),
  });
  const bytes = chain.transaction([{ type: REGISTER, body }], { nonce: seededBytes('nonce')(32), expiry: 1_000 });
  chain.block(1, [chain.transaction([{ type: REGISTER, body }])]);
  const block = chain.block(2, [chain.transaction([{ type: REGISTER, body }]), bytes], { codes: [2202, 0] });
  return {
    'genesis.json': genesisVector(chain),
    'transaction.json': transactionVector(chain, bytes),
    'header.json': headerVector(block),
    'votes.json': voteVectors(chain, block),
    'receipt.json': receiptVector(chain, block),
    'rejected-receipt.json': { genesisHash: toHex(chain.genesis.hash), cbor: toHex(chain.receiptBytes(block, 0)), code: 2202 },
    'batch-receipt.json': batchVector(chain),
    'set-change-receipt.json': setChangeVector(chain, bytes),
    'state-proofs.json': stateProofVectors(chain),
    'expiry-certificate.json': expiryVector(chain),
    'suites.json': await suiteVectors(),
    'set-approval.json': setApprovalVector(chain),
    'record-schema.json': recordSchemaVector(chain),
    'subject-proof.json': subjectProofVector(chain),
  };
}

function genesisVector({ genesis, operator }: SyntheticChain) {
  return {
    bytes: toHex(genesis.bytes),
    hash: toHex(genesis.hash),
    operatorKeyId: toHex(keyId(crypto, operator.publicKey)),
    validators: toHex(genesis.validators.bytes),
    validatorsHash: toHex(genesis.validators.hash),
    accounts: genesis.validators.validators.map(({ id }) => accountIdToText(id)),
  };
}

function transactionVector({ genesis, partner, partnerId }: SyntheticChain, bytes: Uint8Array) {
  const transaction = decodeTransaction(bytes, genesis.hash, 1);
  if ('code' in transaction) throw new Error(transaction.code);
  const { protectedBytes, payload } = decodeSign1(bytes);
  return {
    chain: toHex(genesis.hash),
    sender: accountIdToText(partnerId),
    secretKey: toHex(partner.secretKey),
    publicKey: toHex(partner.publicKey.bytes),
    protected: toHex(protectedBytes),
    payload: toHex(payload!),
    signed: toHex(signedMessage(transaction)),
    bytes: toHex(bytes),
    recordId: toHex(recordId(crypto, transaction, 0)),
  };
}

function headerVector({ header, headerBytes, results }: SyntheticBlock) {
  const fields = Object.entries(header).map(([name, value]) => [name, value instanceof Uint8Array ? toHex(value) : value]);
  return {
    fields: Object.fromEntries(fields),
    bytes: toHex(headerBytes),
    hash: toHex(headerHash(crypto, headerBytes)),
    results: results.map((result) => toHex(encode(encodeResult(result)))),
  };
}

function voteVectors(chain: SyntheticChain, { header, headerBytes }: SyntheticBlock) {
  const reference = { headerHash: headerHash(crypto, headerBytes), logRoot: header.logRoot };
  const { id, keys } = chain.members[1]!;
  const scope = { chain: header.chain, protocolVersion: 1, height: header.height, round: 0, validator: id, key: keys[0].publicKey };
  const votes = { precommit: ['precommit', reference], prevote: ['prevote', reference], precommitNil: ['precommit', null], prevoteNil: ['prevote', null] } as const;
  const rows = Object.entries(votes).map(([name, [type, block]]) => [
    name,
    { protected: toHex(voteProtectedHeader(crypto, type, scope, block)), signed: toHex(voteMessage(crypto, type, scope, block)) },
  ]);
  const certificate = chain.certify({ header, headerBytes });
  return { ...Object.fromEntries(rows), certificate: certificate[1].map(([index, key, signature]) => [index, key, toHex(signature)]) };
}

function receiptVector(chain: SyntheticChain, block: SyntheticBlock) {
  const anchor = chain.anchor(block, chain.certify(block, [[0, 1], [1, 0], [3, 0]], { round: 1 }));
  const receipt = encodeReceipt(chain.receipt(block, 1, anchor));
  return {
    genesisHash: toHex(chain.genesis.hash),
    file: toHex(FILE),
    cbor: toHex(receipt),
    json: JSON.parse(proofToJson(receipt)),
    transparentStatement: toHex(transparentStatement(crypto, receipt)),
  };
}

function batchVector(chain: SyntheticChain) {
  const files = Array.from({ length: 5 }, (_, i) => utf8(`file ${i}`));
  const batch = new Batch(crypto);
  for (const file of files) batch.add(new Map([['sha-256', crypto.hash('sha-256', file)]]));
  const operation = { type: REGISTER_BATCH, body: registerBatchBody.encode(batch.commitment()) };
  const nonce = seededBytes('batch nonce')(32);
  const receiptOf = batch.receipts(chain.receiptBytes(chain.block(3, [chain.transaction([operation], { nonce })])));
  return {
    genesisHash: toHex(chain.genesis.hash),
    root: toHex(batch.commitment().root),
    files: files.map(toHex),
    receipts: files.map((_, i) => toHex(receiptOf(i))),
  };
}

function setChangeVector(chain: SyntheticChain, transaction: Uint8Array) {
  const next = chain.newMembers(3, 5);
  const { hash, bytes } = chain.rawSet(next);
  const change = chain.block(4, [], { nextValidatorsHash: hash });
  const block = chain.block(5, [transaction], { validatorsHash: hash, nextValidatorsHash: hash });
  const anchor = chain.anchor(block, chain.certify(block, undefined, { members: next }), [[change.headerBytes, chain.certify(change), bytes]]);
  return { genesisHash: toHex(chain.genesis.hash), cbor: toHex(encodeReceipt(chain.receipt(block, 0, anchor))) };
}

function stateProofVectors(chain: SyntheticChain) {
  const block = chain.block(50, []);
  const keys = { presence: encode(['filler', 3]), absence: encode(['nothing', 3]) };
  const rows = Object.entries(keys).map(([name, key]) => [name, { key: toHex(key), cbor: toHex(chain.stateProof(block, key)) }]);
  return { genesisHash: toHex(chain.genesis.hash), ...Object.fromEntries(rows) };
}

function expiryVector(chain: SyntheticChain) {
  const of = { sender: chain.partnerId, nonce: seededBytes('lost nonce')(32), expiry: 40 };
  chain.set(encode(['prunedThrough']), encode(30));
  const cbor = chain.expiryCertificate(chain.block(60, []), of, 30);
  return {
    genesisHash: toHex(chain.genesis.hash),
    sender: accountIdToText(of.sender),
    nonce: toHex(of.nonce),
    expiry: of.expiry,
    cbor: toHex(cbor),
  };
}

/** governance.setValidators on the genesis' set: the second validator gets more power and a standby key, three approve. */
function setApprovalVector({ genesis, members }: SyntheticChain) {
  const standby = generateKeyPair('ed25519', seededBytes('standby key'));
  const validators = genesis.validators.validators.map((validator, i) => {
    const stronger = { ...validator, power: 2, keys: [validator.keys[0], standby.publicKey] as const };
    return entryOf(i === 1 ? stronger : validator);
  });
  const next = proposedSet(crypto, { validators });
  const effectiveHeight = 1_000;
  const facts = { chain: genesis.hash, protocolVersion: 1, current: genesis.validators.hash, since: 1, next: next.hash, effectiveHeight };
  const signed = (index: number) => approvalMessage(crypto, facts, genesis.validators.validators[index]!, members[index]!.keys[0].publicKey);
  const approvals = [0, 1, 3].map((index) => [index, 0, sign(members[index]!.keys[0], signed(index))] as const);
  const [, protectedBytes, , payload] = decode(signed(0)) as Uint8Array[];
  return {
    current: toHex(facts.current),
    since: facts.since,
    next: toHex(next.hash),
    nextSet: toHex(next.bytes),
    effectiveHeight,
    publicKey: toHex(members[0]!.keys[0].publicKey.bytes),
    protected: toHex(protectedBytes!),
    payload: toHex(payload!),
    signed: toHex(signed(0)),
    body: toHex(encode(setValidatorsBody.encode({ validators, effectiveHeight, approvals }))),
  };
}

/** Every kind of property, with every keyword. */
const GOODS = {
  type: 'object',
  properties: {
    lot: { type: 'string', maxLength: 12, 'x-indexed': true },
    country: { type: 'string', enum: ['cn', 'de', '中'] },
    weight_g: { type: 'integer', minimum: -5, maximum: 100_000, 'x-indexed': true },
    grade: { type: 'integer', enum: [1, 2] },
    fresh: { type: 'boolean' },
  },
  additionalProperties: false,
  required: ['lot'],
};

function recordSchemaVector({ partnerId }: SyntheticChain) {
  const body = { name: 'goods 货物', schema: schemaFromJson(GOODS) };
  return {
    name: body.name,
    schema: GOODS,
    registrant: accountIdToText(partnerId),
    body: toHex(encode(registerSchemaBody.encode(body))),
    id: toHex(schemaId(crypto, partnerId, body)),
  };
}

/** Three records of one subject, of which the range holds the last two. */
function subjectProofVector(chain: SyntheticChain) {
  const { partnerId: registrant, partnerAccount } = chain;
  const subject = 'lot 7 批次';
  const steps = [70, 80, 90].map((height) => ({ height, nonce: seededBytes(`record of ${height}`)(32) }));
  const rows = steps.map(({ height, nonce }) => ({ height, nonce, stem: transactionStem(crypto, { sender: registrant, nonce }) }));
  const idOf = (i: number) => recordIdUnder(rows[i]!.stem, 0);
  const entries = rows.map(({ height, nonce, stem }, i) => {
    const before = i === 0 ? {} : { previous: idOf(i - 1), previousHeight: rows[i - 1]!.height };
    const own = evidenceRecord.encode({ body: seededBytes(`body of ${height}`)(32), subject, sequence: i + 1, ...before });
    const left = { sender: registrant, nonce, timeMs: height * 3_000, legal: partnerAccount.legal!, records: [[0, own] as const] };
    const value = encodeTransactionEntry({ expiry: 1_000, height, code: 0, left });
    chain.set(stateKey.transaction(stem), value);
    return { key: stateKey.transaction(stem), value };
  });
  const headKey = stateKey.subject(registrant, subject);
  const head = encodeSubjectHead({ count: 3, head: idOf(2), height: 90 });
  chain.set(headKey, head);
  const walked = entries.slice(1).reverse();
  const cbor = encodeSubjectProof({
    type: 'brop.subject.v1',
    ...chain.anchor(chain.block(100, [])),
    registrant,
    subject: utf8(subject),
    from: 75,
    to: 100,
    head: [head, chain.statePath(headKey)],
    records: walked.map(({ key, value }) => [value, chain.statePath(key)] as const),
  });
  return { genesisHash: toHex(chain.genesis.hash), registrant: accountIdToText(registrant), subject, records: [1, 2].map((i) => toHex(idOf(i))), cbor: toHex(cbor) };
}

/** The same small receipt on chains whose validators sign by each suite; the last with a state hashed by SM3. */
async function suiteVectors() {
  const rows: unknown[] = [];
  for (const suite of ['p256', 'ed25519', 'sm2'] as const satisfies SuiteName[]) {
    const chain = await SyntheticChain.make(crypto, `golden ${suite}`, { suite, stateHash: suite === 'sm2' ? 'sm3' : 'sha-256' });
    const transaction = chain.transaction([{ type: 'x', body: 1 }], { nonce: seededBytes(suite)(32) });
    const receipt = chain.receiptBytes(chain.block(1, [transaction]));
    rows.push({ suite, genesisHash: toHex(chain.genesis.hash), cbor: toHex(receipt) });
  }
  return rows;
}

if (import.meta.main) {
  for (const [name, vector] of Object.entries(await makeVectors())) {
    writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(vector, null, 2)}\n`);
  }
}
