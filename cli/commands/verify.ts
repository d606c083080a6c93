import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { CODES, type Refusal } from '../../node-core/chain/codes.ts';
import { type EquivocationFacts, verifyEquivocation } from '../../node-core/chain/equivocation.ts';
import { PROOF_LIMITS, type ReceiptFacts, verifyFile, verifyReceipt } from '../../node-core/chain/receipt.ts';
import {
  type ExpiryFacts,
  type StateFacts,
  verifyExpiryCertificate,
  verifyStateProof,
} from '../../node-core/chain/state-proof.ts';
import { type SubjectFacts, verifySubjectProof } from '../../node-core/chain/subject-proof.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { type CborValue, decode } from '../../node-core/codec/cbor.ts';
import type { HashAlgorithm } from '../../node-core/crypto/provider.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit, exitCodeOf } from '../exit-codes.ts';
import { hashFile } from '../files.ts';
import { readProofOrPage } from '../proofs.ts';
import type { RecordPage } from '../record-page.ts';
import { verifyRecords } from '../verify-records.ts';

export const verify: Command = {
  name: 'verify',
  usage: '<receipt | -> [file] --genesis <hash>',
  summary: 'Verifies a receipt, and the file it is for, with no network at all.',
  help: `
All that is trusted is the genesis hash: give it with --genesis, in BROP_GENESIS, or pin it once
with --pin. State proofs, proofs of a subject, expiry certificates and evidence of equivocation are verified in the same
way. Both the CBOR and the JSON form are read (of evidence the CBOR). - reads standard input, and
what brop query --json --proof prints is verified row by row: each must say what its receipt shows.

  brop verify contract.pdf.receipt contract.pdf --genesis 3f0a…
  brop query evidence --where 'subject=lot 7' --json --proof | brop verify - --genesis 3f0a…

Exit codes: 0 holds; 10 not a receipt; 11 another chain; 12 validator set; 13 certificate;
14 inclusion; 15 signature, or no
equivocation; 16 another file; 17 rejected transaction; 18 not expired.`,
  options: {
    genesis: { type: 'string', value: 'hash', help: 'genesis hash of the chain, 64 hexadecimal digits' },
    pin: { type: 'boolean', help: 'remember --genesis for later calls' },
  },
  positionals: [1, 2],
  run: async (args, out) => {
    const genesisHash = genesisHashOf(args);
    const [path, file] = args.positionals;
    const proof = await readProofOrPage(path!);
    const exitCode =
      proof instanceof Uint8Array
        ? await check(proof, file, genesisHash, out)
        : checkRecords(proof, file, genesisHash, out);
    if (exitCode === exit.ok && args.flag('pin')) pin(genesisHash);
    return exitCode;
  },
};

async function check(
  proof: Uint8Array,
  file: string | undefined,
  genesisHash: Uint8Array,
  out: Output,
): Promise<number> {
  const outcome = verifyAny(proof, genesisHash);
  if ('code' in outcome) return refused(outcome, out);
  if (!('receipt' in outcome)) {
    if (file !== undefined) throw new ExitError(exit.usage, 'a file can be checked against a receipt only');
    if ('count' in outcome) return subjectHolds(outcome, out);
    if ('kind' in outcome) return equivocationHolds(outcome, out);
    return 'certificate' in outcome ? expiryHolds(outcome, out) : stateHolds(outcome, out);
  }
  const wrong = file === undefined ? rejection(outcome) : await fileRefusal(outcome, file);
  return wrong === null ? receiptHolds(outcome, file, out) : refused(wrong, out);
}

function checkRecords(page: RecordPage, file: string | undefined, genesisHash: Uint8Array, out: Output): number {
  if (file !== undefined) throw new ExitError(exit.usage, 'a file can be checked against a receipt only');
  const outcome = verifyRecords(page, genesisHash);
  if ('code' in outcome) return refused(outcome, out);
  const { rows, chain, height } = outcome;
  out.line(
    `VALID  ${rows} ${rows === 1 ? 'record says what its receipt shows' : 'records say what their receipts show'}`,
  );
  out.line(`  chain   ${chain}, blocks up to ${height}`);
  out.result({ ok: true, type: 'records', genesis: toHex(genesisHash), chain, rows, height });
  return exit.ok;
}

const PIN_FILE = join(homedir(), '.brop', 'genesis');

export function genesisHashOf(args: Arguments): Uint8Array {
  const given = args.text('genesis') ?? process.env.BROP_GENESIS ?? pinned();
  if (given === undefined)
    throw new ExitError(exit.usage, 'the genesis hash is needed: --genesis <hash>, or pin one with --pin');
  if (!/^[0-9a-fA-F]{64}$/.test(given)) throw new ExitError(exit.usage, 'a genesis hash has 64 hexadecimal digits');
  return fromHex(given);
}

/** Only what a proof has just held against is worth remembering. */
function pin(genesisHash: Uint8Array): void {
  mkdirSync(dirname(PIN_FILE), { recursive: true, mode: 0o700 });
  writeFileSync(PIN_FILE, `${toHex(genesisHash)}\n`);
}

function pinned(): string | undefined {
  try {
    return readFileSync(PIN_FILE, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function verifyAny(
  proof: Uint8Array,
  genesisHash: Uint8Array,
): ReceiptFacts | StateFacts | ExpiryFacts | SubjectFacts | EquivocationFacts | Refusal {
  switch (typeOf(proof)) {
    case 'brop.state-proof.v1':
      return verifyStateProof(nativeCrypto, proof, genesisHash);
    case 'brop.expiry.v1':
      return verifyExpiryCertificate(nativeCrypto, proof, genesisHash);
    case 'brop.subject.v1':
      return verifySubjectProof(nativeCrypto, proof, genesisHash);
    case 'brop.equivocation.v1':
      return verifyEquivocation(nativeCrypto, proof, genesisHash);
    default:
      return verifyReceipt(nativeCrypto, proof, genesisHash);
  }
}

function typeOf(proof: Uint8Array): CborValue | undefined {
  try {
    const value = decode(proof, PROOF_LIMITS);
    return value instanceof Map ? value.get('type') : undefined;
  } catch {
    return undefined;
  }
}

function rejection(facts: ReceiptFacts): Refusal | null {
  const [code] = facts.result;
  return code === 0 ? null : { code: 'PROOF_REJECTED', detail: `code ${code}` };
}

async function fileRefusal(facts: ReceiptFacts, path: string): Promise<Refusal | null> {
  const algorithms = new Set<HashAlgorithm>();
  verifyFile(facts, (algorithm) => {
    algorithms.add(algorithm);
    return new Uint8Array(0);
  });
  const all: HashAlgorithm[] = ['sha-256', 'sha-512', 'sha3-256', 'sm3'];
  const { digests } = await hashFile(path, algorithms.size === 0 ? [] : all);
  return verifyFile(facts, (algorithm) => digests.get(algorithm)!);
}

function refused({ code, detail }: Refusal, out: Output): number {
  const { number, text } = CODES[code];
  out.line(`NOT VALID  ${text}${detail === undefined ? '' : ` (${detail})`}  [${number} ${code}]`);
  out.result({ ok: false, exitCode: exitCodeOf(code), code: number, name: code, error: text, detail });
  return exitCodeOf(code);
}

function common({ trusted }: Pick<ReceiptFacts, 'trusted'>, signatures: number) {
  const { header, validators, genesis } = trusted;
  return {
    chain: genesis.document.name,
    genesis: toHex(genesis.hash),
    height: header.height,
    time: new Date(header.timeMs).toISOString(),
    signatures,
    validators: validators.validators.length,
  };
}

function receiptHolds(facts: ReceiptFacts, file: string | undefined, out: Output): number {
  const { sender, transaction, receipt } = facts;
  const shared = common(facts, receipt.certificate[1].length);
  const who = `${sender.name ?? accountIdToText(transaction.sender)} (${sender.kind})`;
  const operations = transaction.operations.map(({ type }) => type);
  out.line(`VALID  ${file === undefined ? 'the receipt' : `${file} is what was registered`}`);
  out.line(`  what    ${operations.join(', ')}: ${transaction.label}`);
  out.line(`  who     ${who}, account ${accountIdToText(transaction.sender)}`);
  out.line(`  when    ${shared.time} (block ${shared.height} of ${shared.chain})`);
  out.line(`  final   signed by ${shared.signatures} of ${shared.validators} validators`);
  out.result({
    ok: true,
    type: 'receipt',
    ...shared,
    sender: accountIdToText(transaction.sender),
    senderName: sender.name,
    senderKind: sender.kind,
    legal: sender.legal && { version: sender.legal.version, digest: toHex(sender.legal.digest) },
    nonce: toHex(transaction.nonce),
    operations,
    label: transaction.label,
    file,
  });
  return exit.ok;
}

function stateHolds(facts: StateFacts, out: Output): number {
  const shared = common(facts, 0);
  const value = facts.value === null ? null : toHex(facts.value);
  out.line(
    `VALID  at block ${shared.height} (${shared.time}) the state ${value === null ? 'has no entry' : 'has an entry'} ${toHex(facts.key)}`,
  );
  if (value !== null) out.line(`  value   ${value}`);
  const { signatures: _, ...rest } = shared;
  out.result({ ok: true, type: 'state-proof', ...rest, key: toHex(facts.key), value });
  return exit.ok;
}

function expiryHolds(facts: ExpiryFacts, out: Output): number {
  const { sender, nonce, expiry, certificate } = facts.certificate;
  const shared = common(facts, certificate[1].length);
  out.line(`VALID  the transaction was never packed and never can be`);
  out.line(
    `  sender  ${accountIdToText(sender)}\n  nonce   ${toHex(nonce)}\n  expiry  height ${expiry}, proven at block ${shared.height} (${shared.time})`,
  );
  out.result({
    ok: true,
    type: 'expiry-certificate',
    ...shared,
    sender: accountIdToText(sender),
    nonce: toHex(nonce),
    expiry,
  });
  return exit.ok;
}

function subjectHolds(facts: SubjectFacts, out: Output): number {
  const { registrant, subject, from, to, records, count } = facts;
  const { signatures: _, ...shared } = common(facts, 0);
  const account = accountIdToText(registrant);
  out.line(`VALID  ${records.length} records of ${subject} from block ${from} to ${to}, and no others`);
  out.line(`  whose   ${account}, ${count} up to block ${shared.height} (${shared.time})`);
  for (const { id, record } of records)
    out.line(`  ${String(record.sequence).padStart(6)}  ${toHex(id)}  block ${record.height}`);
  const shown = records.map(({ id, record }) => ({ id: toHex(id), sequence: record.sequence, height: record.height }));
  out.result({ ok: true, type: 'subject', ...shared, registrant: account, subject, from, to, count, records: shown });
  return exit.ok;
}

function equivocationHolds({ genesis, validator, height, round, kind }: EquivocationFacts, out: Output): number {
  const account = accountIdToText(validator);
  out.line(`VALID  validator ${account} has signed two contradicting ${kind}s`);
  out.line(`  where   height ${height}, round ${round} of ${genesis.document.name}`);
  const chain = { chain: genesis.document.name, genesis: toHex(genesis.hash) };
  out.result({ ok: true, type: 'equivocation', ...chain, validator: account, height, round, kind });
  return exit.ok;
}
