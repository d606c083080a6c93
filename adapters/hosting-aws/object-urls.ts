/** What whoever uploads or downloads is given: a form for exactly one object of one content, a link to one object. */
import type { HostedFile, UploadForm } from '../../node-core/ports/hosting.ts';
import { ALGORITHM, amzDate, credentialOf, type SigningScope, signature, signedLink } from './signature-v4.ts';

/** The role that signs may end before: then the form, or the link, does too. */
export const FORM_SECONDS = 900;
export const LINK_SECONDS = 300;

export interface Bucket {
  readonly name: string;
  readonly region: string;
  /** Of an emulator, which serves all buckets under one host. */
  readonly endpoint?: string | undefined;
}

export function quarantineKey(id: string): string {
  return `incoming/${id}`;
}

export function hostingKey(id: string): string {
  return `files/${id}`;
}

function originOf({ name, region, endpoint }: Bucket): string {
  return endpoint === undefined ? `https://${name}.s3.${region}.amazonaws.com` : `${endpoint}/${name}`;
}

/** S3 itself takes nothing but an object of this key, length, digest and media type. */
export function uploadForm(
  scope: SigningScope,
  bucket: Bucket,
  { id, sizeBytes, sha256, mediaType }: Pick<HostedFile, 'id' | 'sizeBytes' | 'sha256' | 'mediaType'>,
): UploadForm {
  const expiresMs = scope.nowMs + 1_000 * FORM_SECONDS;
  const { sessionToken } = scope.credentials;
  const fields = {
    key: quarantineKey(id),
    'Content-Type': mediaType,
    'x-amz-checksum-algorithm': 'SHA256',
    'x-amz-checksum-sha256': Buffer.from(sha256).toString('base64'),
    'x-amz-algorithm': ALGORITHM,
    'x-amz-credential': credentialOf(scope),
    'x-amz-date': amzDate(scope.nowMs),
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  };
  const exactly = Object.entries(fields).map(([name, value]) => ({ [name]: value }));
  const conditions = [{ bucket: bucket.name }, ['content-length-range', sizeBytes, sizeBytes], ...exactly];
  const expiration = new Date(expiresMs).toISOString();
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
  const signed = { ...fields, policy, 'x-amz-signature': signature(scope, policy) };
  return { url: `${originOf(bucket)}/`.replace(/\/\/$/, '/'), fields: signed, expiresMs };
}

/** What a browser gets is a file to keep, never a page to show. */
export function downloadLink(
  scope: SigningScope,
  bucket: Bucket,
  { id, mediaType }: Pick<HostedFile, 'id' | 'mediaType'>,
): string {
  const parameters = { 'response-content-type': mediaType, 'response-content-disposition': 'attachment' };
  return signedLink(scope, new URL(`${originOf(bucket)}/${hostingKey(id)}`), LINK_SECONDS, parameters);
}
