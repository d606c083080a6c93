/**
 * Puts the secret keys of a deployment where its tasks look for them, once its stack Data is there: `npm run aws:keys --
 * <deployment>`. What is there already stays; no secret leaves Secrets Manager. Prints what the configs and the genesis
 * need: fingerprints of nodes and public keys.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keyFileText } from '../adapters/signer-file/key-file.ts';
import { signerFromKeyText } from '../adapters/signer-file/signer-file.ts';
import { openKmsSigner } from '../adapters/signer-kms/signer-kms.ts';
import { nodeIdentityFromPem } from '../adapters/transport-mtls/identity.ts';
import { checkDeployment, type Deployment, DeploymentError, PLACEHOLDER } from '../cdk/deployment.ts';
import { toHex } from '../node-core/codec/bytes.ts';
import type { PublicKey, SuiteName } from '../node-core/crypto/provider.ts';

const CONFIGS = join(import.meta.dirname, '..', 'cdk', 'config');

/** What others may know of a node. */
export interface PublicKeys {
  readonly name: string;
  readonly nodeId: string;
  /** Ed25519: signs checkpoints. */
  readonly noteKey: string;
  /** P-256: signs votes; of a validator whose key is in a CloudHSM it is to be read there. */
  readonly consensusKey?: string;
  readonly standbyKey?: string;
}

async function readDeployment(name: string): Promise<Deployment> {
  const path = join(CONFIGS, `${name}.ts`);
  if (!/^[a-z][a-z0-9-]*$/.test(name) || !existsSync(path))
    throw new DeploymentError(`there is no cdk/config/${name}.ts`);
  const module: { readonly default?: unknown } = await import(pathToFileURL(path).href);
  return checkDeployment(`cdk/config/${name}.ts`, module.default);
}

/** Makes what is missing. */
class Keys {
  private readonly secrets = new SecretsManagerClient({});
  private readonly deployment: Deployment;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  /**
   * @param read makes of a secret's text what it is, and throws when it is not @param make a new text, in a placeholder's place
   * @throws {Error} for anything else: it may be a key that somebody needs
   */
  private async kept<T>(what: string, read: (text: string) => T, make: () => string): Promise<T> {
    const SecretId = `brop/${this.deployment.name}/${what}`;
    const { SecretString: text = '' } = await this.secrets.send(new GetSecretValueCommand({ SecretId }));
    if (isPlaceholder(text)) {
      const made = make();
      await this.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: made }));
      return read(made);
    }
    try {
      return read(text);
    } catch {
      // Without the cause, which may quote the text.
      throw new Error(
        `${SecretId}: holds neither such a key nor the placeholder of the deployment: it is left as it is`,
      );
    }
  }

  async nodeId(node: string): Promise<string> {
    const what = `${node}/node-key`;
    return this.kept(what, (text) => nodeIdentityFromPem(text, what).peerId, newNodeKey);
  }

  async key(node: string, name: string, suite: SuiteName): Promise<PublicKey> {
    const what = `${node}/${name}`;
    return this.kept(
      what,
      (text) => signerFromKeyText(text, what).publicKey,
      () => keyFileText(suite),
    );
  }

  async apiSecret(node: string): Promise<void> {
    const check = (text: string) => {
      const { challengeSecret, webhookMaster } = JSON.parse(text);
      if (![challengeSecret, webhookMaster].every((value) => /^[0-9a-f]{64}$/.test(value))) throw new Error('not ours');
    };
    const hex = () => toHex(randomBytes(32));
    await this.kept(`${node}/api`, check, () => JSON.stringify({ challengeSecret: hex(), webhookMaster: hex() }));
  }

  async consensusKey(node: string): Promise<PublicKey> {
    return (await openKmsSigner({ keyId: `alias/brop/${this.deployment.name}/${node}/consensus` })).publicKey;
  }
}

function isPlaceholder(text: string): boolean {
  try {
    return JSON.parse(text)[PLACEHOLDER] === true;
  } catch {
    return false;
  }
}

function newNodeKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

export async function makeKeys(deployment: Deployment): Promise<PublicKeys[]> {
  const keys = new Keys(deployment);
  const hex = ({ bytes }: PublicKey) => toHex(bytes);
  const out: PublicKeys[] = [];
  for (const { name, signer } of deployment.validators) {
    const standsBy = signer.driver === 'auto' ? signer.standby : undefined;
    out.push({
      ...{ name, nodeId: await keys.nodeId(name), noteKey: hex(await keys.key(name, 'note-key', 'ed25519')) },
      ...(signer.driver === 'kms' && { consensusKey: hex(await keys.consensusKey(name)) }),
      ...(standsBy === 'kms' && { standbyKey: hex(await keys.consensusKey(name)) }),
      ...(standsBy === 'file' && { standbyKey: hex(await keys.key(name, 'standby-key', 'p256')) }),
    });
  }
  if (deployment.proxy !== undefined) {
    const { name } = deployment.proxy;
    await keys.apiSecret(name);
    out.push({ name, nodeId: await keys.nodeId(name), noteKey: hex(await keys.key(name, 'note-key', 'ed25519')) });
  }
  return out;
}

if (import.meta.main) {
  try {
    const [name] = process.argv.slice(2);
    if (name === undefined) throw new DeploymentError('usage: npm run aws:keys -- <deployment>');
    process.stdout.write(`${JSON.stringify(await makeKeys(await readDeployment(name)), null, 2)}\n`);
  } catch (error) {
    // What the SDK says has names in it, never the value of a secret.
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
