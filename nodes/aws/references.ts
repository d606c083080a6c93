/** What a config names that may lie on AWS instead of on the disk: keys as `secretsmanager:<id>`, files as `s3://…`. */

export const SECRET = 'secretsmanager:';

/** A key that Secrets Manager keeps; everything else is a path. */
export function isSecret(name: string): boolean {
  return name.startsWith(SECRET);
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;
/** As those of a chain's files (docs/spec/files.md), and capitals. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

export interface S3Place {
  readonly bucket: string;
  /** Of one object, or what the keys of several begin with; without a slash at its ends; empty: the whole bucket. */
  readonly key: string;
}

export function isS3(name: string): boolean {
  return name.startsWith('s3://');
}

/** undefined unless it is `s3://bucket` or `s3://bucket/key`. */
export function parseS3Url(url: string): S3Place | undefined {
  const [, bucket, rest = ''] = S3_URL.exec(url) ?? [];
  const key = rest.replace(/\/$/, '');
  return bucket === undefined || (key !== '' && !KEY.test(key)) ? undefined : { bucket, key };
}
