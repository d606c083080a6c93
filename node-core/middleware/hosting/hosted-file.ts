/** What follows from a hosted file alone: its ID, and what of it goes on chain. */
import type { AccountId } from '../../chain/identifiers.ts';
import { concat, toHex, utf8 } from '../../codec/bytes.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Fields } from '../../ledger/projection.ts';
import type { HostedFile } from '../../ports/hosting.ts';

/** 256 MiB: what a function reads whole, to look at every byte, well within its time. */
export const MAX_HOSTED_BYTES = 268_435_456;
export const HOSTED_ID_PATTERN = '^file_[0-9a-f]{64}$';

const DOMAIN = utf8('brop/hosted-file/v1');

/** `file_` and a hash of the account and the content: known before the upload, the same at each attempt. */
export function hostedFileId(crypto: CryptoProvider, account: AccountId, sha256: Uint8Array): string {
  return `file_${toHex(crypto.hash('sha-256', concat(DOMAIN, account, sha256)))}`;
}

/** What the field `hosted` of evidence.register holds: the SHA-256 digest of the address, as UTF-8 text. */
export function addressDigest(crypto: CryptoProvider, { address }: Pick<HostedFile, 'address'>): Uint8Array {
  return crypto.hash('sha-256', utf8(address));
}

/** Whether a record says of this very file where it is: registrant, digest of the content, digest of the address. */
export function isRecordOf(crypto: CryptoProvider, file: HostedFile, { registrant, digest, hosted }: Fields): boolean {
  const digests = Array.isArray(digest) ? digest : [digest];
  return (
    registrant === file.account &&
    hosted === toHex(addressDigest(crypto, file)) &&
    digests.includes(`sha-256:${toHex(file.sha256)}`)
  );
}
