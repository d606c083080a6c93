/**
 * The TokenKeys port for many processes: one key for each thirty days, made by whoever needs it first. All others take it.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { concat, utf8 } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { newTokenKey, type TokenKey } from '../../node-core/crypto/token-key.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { TokenKeys } from '../../node-core/ports/token-keys.ts';
import type { Item, Table } from '../dynamodb/table.ts';

/** How long a key signs. */
const SIGNS_MS = 30 * 86_400_000;
/** How long it is believed after that; longer than any token holds. */
const BELIEVED_MS = 3_600_000;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const NAME = 'token-keys';

/**
 * @param secret 32 bytes that all processes of one name share; what encrypts is derived from it.
 * @throws from its methods: what DynamoDB throws, and Error for a key that was encrypted with another secret or changed.
 */
export function dynamoDbTokenKeys(table: Table, secret: Uint8Array, crypto: CryptoProvider, clock: Clock): TokenKeys {
  const wrapping = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), 'brop token keys', 32));
  /** Keys of periods: they never change. */
  const known = new Map<number, TokenKey>();

  async function read(period: number): Promise<TokenKey | undefined> {
    const found = known.get(period) ?? keyIn(await table.get(keyOf(period)), wrapping, period);
    if (found !== undefined) known.set(period, found);
    return found;
  }

  return {
    current: async () => {
      const period = Math.floor(clock.now() / SIGNS_MS);
      const found = await read(period);
      if (found !== undefined) return found;
      const made = newTokenKey(crypto, (length) => new Uint8Array(randomBytes(length)));
      const isFirst = await table.put({
        Item: itemOf(made, wrapping, period),
        ConditionExpression: 'attribute_not_exists(pk)',
      });
      if (!isFirst) return (await read(period))!;
      known.set(period, made);
      return made;
    },
    find: async (kid) => {
      const now = clock.now();
      const periods = new Set([now, now - BELIEVED_MS].map((ms) => Math.floor(ms / SIGNS_MS)));
      for (const period of periods) {
        const found = await read(period);
        if (found?.kid === kid) return found;
      }
      return undefined;
    },
  };
}

function keyOf(period: number): Item {
  return { pk: { S: NAME }, sk: { S: String(period).padStart(6, '0') } };
}

function itemOf({ kid, publicKey, secretKey }: TokenKey, wrapping: Uint8Array, period: number): Item {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', wrapping, iv).setAAD(about(period, publicKey));
  const sealed = concat(iv, cipher.update(secretKey), cipher.final(), cipher.getAuthTag());
  return {
    ...keyOf(period),
    ...{ kid: { S: kid }, publicKey: { B: publicKey }, secretKey: { B: sealed } },
    expires: { N: String(Math.ceil(((period + 1) * SIGNS_MS + BELIEVED_MS) / 1_000)) },
  };
}

function keyIn(item: Item | undefined, wrapping: Uint8Array, period: number): TokenKey | undefined {
  if (item === undefined) return undefined;
  const publicKey = new Uint8Array(item.publicKey!.B!);
  const sealed = new Uint8Array(item.secretKey!.B!);
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrapping, sealed.subarray(0, IV_BYTES))
      .setAAD(about(period, publicKey))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    const secretKey = concat(decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final());
    return { kid: item.kid!.S!, publicKey, secretKey };
  } catch (cause) {
    throw new Error(`the token key ${period} was encrypted with another secret, or was changed`, { cause });
  }
}

function about(period: number, publicKey: Uint8Array): Uint8Array {
  return concat(utf8(`${NAME}/${period}/`), publicKey);
}
