/** Who sends: the account of the profile, or the one that `--key` belongs to. */
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { openKeyFile } from '../adapters/signer-file/signer-file.ts';
import { BropError } from '../node-core/chain/codes.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { type Client, createClient } from '../sdk/index.ts';
import type { Arguments } from './command.ts';
import { chainOf, profileOf } from './home.ts';
import { accountWithKey } from './proven-state.ts';

/** @throws {BropError} SENDER_UNKNOWN when `--key` is given without `--account` and is nobody's key */
export async function participantOf(args: Arguments): Promise<{ readonly client: Client; readonly account: string }> {
  const keyFile = args.text('key');
  if (keyFile === undefined || args.text('account') !== undefined) {
    const { keyFile: path, ...who } = profileOf(args);
    return {
      client: createClient({ ...who, signer: openKeyFile(path), crypto: nativeCrypto }),
      account: who.account,
    };
  }
  const chain = chainOf(args);
  const signer = openKeyFile(keyFile);
  const account = await accountWithKey(chain, signer.publicKey);
  if (account === null) throw new BropError('SENDER_UNKNOWN', `no account has the key in ${keyFile}`);
  return {
    client: createClient({ ...chain, account, signer, crypto: nativeCrypto }),
    account: accountIdToText(account),
  };
}
