/** A transaction that waits for its signature, as a file: nothing in it is secret. */
import { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';
import { decodeTransaction, signedMessage } from '../node-core/chain/transaction.ts';
import { equal, fromHex, toHex } from '../node-core/codec/bytes.ts';
import { PUBLIC_KEY_BYTES } from '../node-core/crypto/suite.ts';
import type { PreparedTransaction } from '../sdk/index.ts';
import { readJson } from './json-file.ts';

const MAX_FILE_BYTES = 200_000;

const hex = (bytes?: number) =>
  z.string().regex(bytes === undefined ? /^([0-9a-f]{2})+$/ : new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const schema = z.strictObject({
  type: z.literal('brop.unsigned.v1'),
  genesis: hex(32),
  transaction: hex(),
  key: z.strictObject({ suite: z.enum(['p256', 'ed25519', 'sm2']), key: hex() }),
});

export function encodeUnsigned({ unsigned, key }: PreparedTransaction, genesisHash: Uint8Array): string {
  const content: z.infer<typeof schema> = {
    type: 'brop.unsigned.v1',
    genesis: toHex(genesisHash),
    transaction: toHex(unsigned),
    key: { suite: key.suite, key: toHex(key.bytes) },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** @throws {BropError} FILE_UNREADABLE, CONFIG_INVALID; PROOF_GENESIS when it is for another chain. */
export async function readUnsigned(path: string, genesisHash: Uint8Array): Promise<PreparedTransaction> {
  const { genesis, transaction: text, key } = await readJson(path, schema, MAX_FILE_BYTES);
  if (!equal(fromHex(genesis), genesisHash)) throw new BropError('PROOF_GENESIS', `${path} is for ${genesis}.`);
  const unsigned = fromHex(text);
  const transaction = decodeTransaction(unsigned, genesisHash, 1);
  if ('code' in transaction) throw new BropError(transaction.code, `${path}: ${transaction.detail ?? ''}`);
  const publicKey = { suite: key.suite, bytes: fromHex(key.key) };
  if (publicKey.bytes.length !== PUBLIC_KEY_BYTES[key.suite]) throw new BropError('CONFIG_INVALID', `${path}: key.`);
  const { sender, nonce, expiry } = transaction;
  return { message: signedMessage(transaction), unsigned, key: publicKey, sender, nonce, expiry };
}
