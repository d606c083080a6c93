/** Fields of a node's config that are about AWS. */
import { z } from 'zod';
import { parseS3Url } from './references.ts';

const table = z.string().regex(/^[A-Za-z0-9_.-]{3,255}$/, 'is no name of a DynamoDB table');

export const placeOfFiles = z.string().refine((url) => parseS3Url(url) !== undefined, {
  error: 'must be s3://bucket or s3://bucket/prefix',
});

/**
 * Where the vote record is: in the data folder, on a disk that stays; or in a DynamoDB table, where `validator` names the
 * record. No two validators may have one name in one table.
 */
export const voteRecord = z
  .discriminatedUnion('driver', [
    z.strictObject({ driver: z.literal('file') }),
    z.strictObject({
      driver: z.literal('dynamodb'),
      table,
      validator: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'has 1 to 64 letters, digits, dots, dashes or underscores'),
    }),
  ])
  .default({ driver: 'file' });

/** DynamoDB table of proposals and of blocks that are not published yet, for a validator whose disk may vanish. */
export const proposals = z.strictObject({ table }).optional();

export type VoteRecordConfig = z.infer<typeof voteRecord>;
