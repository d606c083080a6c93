import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { bodyFromJson, JSON_TYPES, type Json } from '../../api/prepare/operation-json.ts';
import { linesOf, summaryOf } from '../../api/prepare/summary.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { decodeTransaction } from '../../node-core/chain/transaction.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { createClient, type Operation } from '../../sdk/index.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { newFile, readWhole } from '../files.ts';
import { accountOf, CHAIN_OPTIONS, chainOf } from '../home.ts';
import { encodeUnsigned } from '../unsigned-file.ts';

const MAX_BODY_BYTES = 90_000;
const DEFAULT_EXPIRES_SECONDS = 3_600;
const MAX_EXPIRES_SECONDS = 7 * 86_400;

export const prepare: Command = {
  name: 'prepare',
  usage: '<type> <body.json> --out <file>',
  summary: 'Makes a transaction that is signed elsewhere: by an HSM, by another machine, by another program.',
  help: `
Reads the body of one operation as JSON (docs/spec/operations.md: bytes in hexadecimal, accounts as
brop1…, keys as {"suite", "key"}) and writes two files: <file>, for brop submit, and <file>.tosign, the
exact bytes to sign. What they say is printed, read back from them. No key is needed. Types: ${JSON_TYPES.join(', ')}.

  brop prepare evidence.register body.json --account brop1… --out tx.json
  openssl dgst -sha256 -sign account.pem -out tx.sig tx.json.tosign
  brop submit tx.json --signature tx.sig --out contract.receipt`,
  options: {
    out: { type: 'string', value: 'file', help: 'where the transaction goes' },
    label: { type: 'string', value: 'text', help: 'what it is about, for people; default: the type' },
    expires: { type: 'string', value: 'seconds', help: `to be packed within; default ${DEFAULT_EXPIRES_SECONDS}` },
    account: { type: 'string', value: 'id', help: 'account that sends' },
    ...CHAIN_OPTIONS,
  },
  positionals: [2, 2],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const [type, bodyFile] = args.positionals as [string, string];
  const path = args.required('out');
  const operation = operationOf(type, bodyFile, await readWhole(bodyFile, MAX_BODY_BYTES));
  const chain = chainOf(args);
  const { genesisHash } = chain;
  const client = createClient({ ...chain, account: accountOf(args), crypto: nativeCrypto });
  const label = args.text('label');
  const options = { expiresInMs: expiresInMs(args), ...(label !== undefined && { label }) };
  const prepared = await client.prepare([operation], options);
  const transaction = decodeTransaction(prepared.unsigned, genesisHash, 1);
  if ('code' in transaction) throw new BropError(transaction.code, transaction.detail);
  newFile(path).write(utf8(encodeUnsigned(prepared, genesisHash)));
  newFile(`${path}.tosign`).write(prepared.message);
  const summary = summaryOf(transaction);
  for (const line of linesOf(summary)) out.line(line);
  out.line(
    `sign ${path}.tosign with the key above (${prepared.key.suite}), then: brop submit ${path} --signature <file>`,
  );
  const sha256 = toHex(nativeCrypto.hash('sha-256', prepared.message));
  const { nonce, expiry } = summary;
  const sender = accountIdToText(prepared.sender);
  out.result({ ok: true, file: path, toSign: `${path}.tosign`, sha256, sender, nonce, expiry, summary });
  return exit.ok;
}

/** Checked against the type's own schema before anything is written. @throws {BropError} TX_UNKNOWN_OPERATION, TX_BODY */
function operationOf(type: string, bodyFile: string, content: Uint8Array): Operation {
  const known = operationsOf(1).get(type);
  if (known === undefined) throw new BropError('TX_UNKNOWN_OPERATION', type);
  try {
    const body = bodyFromJson(type, JSON.parse(Buffer.from(content).toString('utf8')) as Json);
    known.bind(body, '');
    return { type, body };
  } catch (error) {
    if (error instanceof SyntaxError) throw new BropError('CONFIG_INVALID', `${bodyFile}: not JSON.`);
    if (error instanceof CodecError) throw new BropError('TX_BODY', `${bodyFile}: ${error.message}.`);
    throw error;
  }
}

function expiresInMs(args: Arguments): number {
  const seconds = Number(args.text('expires') ?? DEFAULT_EXPIRES_SECONDS);
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > MAX_EXPIRES_SECONDS)
    throw new ExitError(exit.usage, `--expires is 1 to ${MAX_EXPIRES_SECONDS} seconds`);
  return seconds * 1_000;
}
