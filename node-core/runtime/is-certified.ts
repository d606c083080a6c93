import { certificateChecks, type SignedMessage } from '../chain/certificate.ts';
import type { StoredBlock } from '../chain/stored-block.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { SignatureVerifier } from '../ports/signature-verifier.ts';

/** Whether the certificate of a block makes it final under `set`; its signatures are checked in the workers. */
export async function isCertified(
  { crypto, verifier }: { readonly crypto: CryptoProvider; readonly verifier: SignatureVerifier },
  set: ValidatorSet,
  { header, headerBytes, certificate }: StoredBlock,
): Promise<boolean> {
  const checks = certificateChecks(crypto, set, header, headerBytes, certificate);
  if (!Array.isArray(checks)) return false;
  const results = await verifier.verify(checks as readonly SignedMessage[], true);
  return results.every(Boolean);
}
