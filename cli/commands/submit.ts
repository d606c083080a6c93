import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { createClient, RejectedError } from '../../sdk/index.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { newFile, readWhole } from '../files.ts';
import { CHAIN_OPTIONS, chainOf } from '../home.ts';
import { readUnsigned } from '../unsigned-file.ts';

const MAX_SIGNATURE_FILE_BYTES = 1_000;

export const submit: Command = {
  name: 'submit',
  usage: '<file> --signature <file> --out <receipt>',
  summary: 'Sends a transaction that was prepared with brop prepare and signed elsewhere; keeps the receipt.',
  help: `
The signature is a file of 64 bytes, or for P-256 of ECDSA in DER, as OpenSSL and most devices write it.
It is checked here before anything is sent. Running it again is safe: the very same transaction is sent,
and packed at most once.

  brop submit tx.json --signature tx.sig --out contract.receipt`,
  options: {
    signature: { type: 'string', value: 'file', help: 'signature over <file>.tosign' },
    key: { type: 'string', value: 'file', help: 'instead of --signature: the key file to sign with here' },
    out: { type: 'string', value: 'file', help: 'where the receipt goes' },
    ...CHAIN_OPTIONS,
  },
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const path = args.positionals[0]!;
  const chain = chainOf(args);
  const target = newFile(args.required('out'));
  try {
    const prepared = await readUnsigned(path, chain.genesisHash);
    const client = createClient({ ...chain, crypto: nativeCrypto });
    const transaction = client.sign(prepared, await signatureOf(args, prepared.message));
    const outcome = await client.settle(transaction);
    if (outcome.status === 'expired')
      throw new BropError('EXPIRED', `It was never packed and never can be: prepare it anew (${path}).`);
    const { receipt, summary } = outcome;
    target.write(receipt);
    if (summary.code !== 0) throw new RejectedError(receipt, summary);
    out.line(`final in block ${summary.height}; receipt ${args.required('out')}`);
    const sender = accountIdToText(prepared.sender);
    out.result({ ok: true, height: summary.height, sender, nonce: summary.nonce, receipt: args.required('out') });
    return exit.ok;
  } finally {
    target.discard();
  }
}

async function signatureOf(args: Arguments, message: Uint8Array): Promise<Uint8Array> {
  const [signature, key] = [args.text('signature'), args.text('key')];
  if ((signature === undefined) === (key === undefined))
    throw new ExitError(exit.usage, 'one of --signature and --key is needed (see: brop submit --help)');
  if (signature !== undefined) return readWhole(signature, MAX_SIGNATURE_FILE_BYTES);
  return openKeyFile(key!).sign(message);
}
