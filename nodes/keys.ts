/** The keys that a config names, from a file or from Secrets Manager; with the same checks of what they hold. */
import { openKeyFile, signerFromKeyText } from '../adapters/signer-file/signer-file.ts';
import { loadNodeIdentity, type NodeIdentity, nodeIdentityFromPem } from '../adapters/transport-mtls/identity.ts';
import type { Signer } from '../node-core/ports/signer.ts';
import { isSecret } from './aws/references.ts';

/** @throws {Error} that names the file or the secret, never what it holds. */
export async function openNodeKey(name: string): Promise<NodeIdentity> {
  return isSecret(name) ? nodeIdentityFromPem(await secret(name), name) : loadNodeIdentity(name);
}

/** @throws {Error} as {@link openNodeKey} */
export async function openKey(name: string): Promise<Signer> {
  return isSecret(name) ? signerFromKeyText(await secret(name), name) : openKeyFile(name);
}

/** Loaded when it is wanted: a node elsewhere is smaller without the SDK. */
async function secret(name: string): Promise<string> {
  return (await import('./aws/secrets.ts')).secretText(name);
}
