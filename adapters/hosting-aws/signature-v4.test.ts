/** The published examples of the Amazon S3 API reference, and the SDK that signs the same form. */
import { S3Client } from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { expect, it } from 'vitest';
import { signature, signedLink } from './signature-v4.ts';

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

it('signs the link of "Authenticating Requests: Using Query Parameters"', () => {
  const scope = { credentials, region: 'us-east-1', nowMs: Date.UTC(2013, 4, 24) };
  const link = signedLink(scope, new URL('https://examplebucket.s3.amazonaws.com/test.txt'), 86_400);
  expect(new URL(link).searchParams.get('X-Amz-Signature')).toBe(
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

it('signs the policy of a form as the SDK does, whatever the time and the region', async () => {
  for (const region of ['eu-central-1', 'ap-southeast-1']) {
    const client = new S3Client({ region, credentials });
    const { fields } = await createPresignedPost(client, { Bucket: 'bucket', Key: 'key' });
    const [year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)Z$/
      .exec(fields['X-Amz-Date']!)!
      .slice(1)
      .map(Number);
    const nowMs = Date.UTC(year!, month! - 1, day, hour, minute, second);
    expect(signature({ credentials, region, nowMs }, fields.Policy!)).toBe(fields['X-Amz-Signature']);
    client.destroy();
  }
});
