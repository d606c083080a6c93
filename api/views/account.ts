/** An account as the API shows it. */
import { z } from '@hono/zod-openapi';
import { ACCOUNT_KINDS, LEVELS, PERMISSIONS, SUBJECT_KINDS } from '../../node-core/chain/account.ts';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import type { AccountView } from '../../node-core/ports/chain-access.ts';
import { accountId, hash, link, timeMs, uint } from '../schemas.ts';

export const accountSchema = z
  .object({
    id: accountId,
    kind: z.enum(ACCOUNT_KINDS),
    name: z.string().optional(),
    key: z.object({
      suite: z.enum(['p256', 'ed25519', 'sm2']),
      bytes: z.string().openapi({ description: 'Hexadecimal: 04‖x‖y, or 32 bytes for ed25519.' }),
      id: z.string().openapi({ description: 'The kid in signatures, 16 bytes in hexadecimal.' }),
    }),
    quota: z.object({
      points: uint.openapi({ description: 'Points now.' }),
      max: uint,
      periodMs: uint.openapi({ description: 'Time in which `max` points are regained, ms.' }),
    }),
    createdHeight: uint.openapi({ description: 'Height of the block that created it; 0 for the genesis.' }),
    legal: z.object({ version: z.string(), digest: hash }).optional(),
    permissions: z.array(z.enum(PERMISSIONS)).optional(),
    certifier: accountId.optional(),
    level: z.enum(LEVELS).optional(),
    subject: z.enum(SUBJECT_KINDS).optional(),
    commitment: hash.optional(),
    terms: hash.optional().openapi({ description: 'Digest of the legal document that the user accepted.' }),
    validUntilMs: timeMs.optional(),
    links: z.object({ self: link, proof: link }),
  })
  .openapi('Account');

export function accountView(crypto: CryptoProvider, id: AccountId, { account, points }: AccountView) {
  const { key, quota, legal, certifier, commitment, permissions, terms, validUntil, created } = account;
  const { kind, name, level, subject } = account;
  const text = accountIdToText(id);
  return {
    id: text,
    kind,
    ...(name !== undefined && { name }),
    ...(level && { level }),
    ...(subject && { subject }),
    key: { suite: key.suite, bytes: toHex(key.bytes), id: toHex(keyId(crypto, key)) },
    quota: { points, ...quota },
    createdHeight: created,
    ...(legal && { legal: { version: legal.version, digest: toHex(legal.digest) } }),
    ...(permissions && { permissions: [...permissions] }),
    ...(certifier && { certifier: accountIdToText(certifier) }),
    ...(commitment && { commitment: toHex(commitment) }),
    ...(terms && { terms: toHex(terms) }),
    ...(validUntil !== undefined && { validUntilMs: validUntil }),
    links: { self: `/v1/accounts/${text}`, proof: `/v1/state-proof?account=${text}` },
  };
}
