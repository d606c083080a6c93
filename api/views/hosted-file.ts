/** Hosted files as JSON. */
import { z } from '@hono/zod-openapi';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { addressDigest } from '../../node-core/middleware/hosting/hosted-file.ts';
import type { HostedFile } from '../../node-core/ports/hosting.ts';
import { accountId, hash, timeMs, uint } from '../schemas.ts';

export const hostedFileSchema = z
  .object({
    id: z.string(),
    account: accountId,
    sha256: hash,
    sizeBytes: uint,
    mediaType: z.string(),
    state: z.enum(['expected', 'stored', 'refused']).openapi({
      description: 'expected: post it. stored: kept. refused: what was posted was something else; ask again.',
    }),
    address: z.string().openapi({ description: 'Where anybody finds it once it is registered.' }),
    hosted: hash.openapi({ description: 'SHA-256 of the address: the field `hosted` of evidence.register.' }),
    askedMs: timeMs,
    storedMs: timeMs.nullable(),
    retainedUntilMs: timeMs.nullable().openapi({ description: 'Until when the lock keeps it: docs/hosting.md.' }),
  })
  .openapi('HostedFile');

export const uploadSchema = z
  .object({
    file: hostedFileSchema,
    upload: z
      .object({ url: z.string(), fields: z.record(z.string(), z.string()), expiresMs: timeMs })
      .nullable()
      .openapi({
        description:
          'A form (multipart/form-data): all fields, then the content as `file`, posted to `url`. null: it is stored.',
      }),
  })
  .openapi('HostedUpload');

export const usageSchema = z
  .object({
    files: uint,
    bytes: uint,
    served: z
      .array(z.object({ month: z.string().openapi({ example: '2026-11' }), files: uint, bytes: uint }))
      .openapi({ description: 'Downloads that were begun, by month in UTC, the newest first.' }),
  })
  .openapi('HostingUsage');

export function hostedFileView(crypto: CryptoProvider, file: HostedFile): z.infer<typeof hostedFileSchema> {
  return { ...file, sha256: toHex(file.sha256), hosted: toHex(addressDigest(crypto, file)) };
}
