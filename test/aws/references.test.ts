/** What a config names on AWS: keys in Secrets Manager, a genesis and files in S3; and what is said when it is not there. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { readSecret } from '../../adapters/secrets-aws/secrets.ts';
import { createKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { createNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import operator from '../../cdk/config/operator.ts';
import { checkDeployment, PLACEHOLDER } from '../../cdk/deployment.ts';
import { readS3Genesis } from '../../nodes/aws/files.ts';
import { openFileSource } from '../../nodes/file-sources.ts';
import { openKey, openNodeKey } from '../../nodes/keys.ts';
import { makeKeys } from '../../scripts/aws-keys.ts';
import { quietLog } from '../files/made-chain.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { Resources } from './tables.ts';

const SETTINGS = ['AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;
const before = SETTINGS.map((name) => process.env[name]);
let folder: string;
let emulator: Emulator;
let aws: Resources;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'brop-references-'));
  emulator = await startEmulator();
  const { endpoint, region, credentials } = emulator;
  const values = [endpoint, region, credentials.accessKeyId, credentials.secretAccessKey];
  for (const [i, name] of SETTINGS.entries()) process.env[name] = values[i];
  aws = new Resources(emulator);
  await aws.bucket('common');
  await aws.object('common', 'chains/one/genesis.cbor', Uint8Array.of(1, 2, 3));
}, 60_000);

afterAll(async () => {
  for (const [i, name] of SETTINGS.entries()) {
    if (before[i] === undefined) delete process.env[name];
    else process.env[name] = before[i];
  }
  aws?.close();
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The error's whole text, causes and all. */
async function said(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it went well'),
    (reason: Error) => reason,
  );
  return `${error.stack}\n${JSON.stringify(error)}\n${String(error.cause)}`;
}

describe('keys in Secrets Manager', () => {
  it('are the very keys that were put there', async () => {
    const identity = createNodeIdentity(join(folder, 'node.pem'));
    const key = createKeyFile(join(folder, 'key.json'), 'p256');
    await aws.secret('one/node', readFileSync(join(folder, 'node.pem'), 'utf8'));
    await aws.secret('one/key', readFileSync(join(folder, 'key.json'), 'utf8'));
    expect((await openNodeKey('secretsmanager:one/node')).peerId).toBe(identity.peerId);
    expect((await openKey('secretsmanager:one/key')).publicKey).toEqual(key);
  });

  it('take the place of a placeholder, and of nothing else', async () => {
    const deployment = checkDeployment('operator.ts', operator);
    const placeholder = JSON.stringify({ [PLACEHOLDER]: true, random: 'x' });
    for (const what of ['api', 'node-key']) await aws.secret(`brop/operator/proxy/${what}`, placeholder);
    const other = `{"suite":"rsa","secretKey":"${randomBytes(32).toString('hex')}"}`;
    await aws.secret('brop/operator/proxy/note-key', other);
    const text = await said(makeKeys(deployment));
    expect(text).toContain('brop/operator/proxy/note-key: holds neither such a key nor the placeholder');
    expect(text).not.toContain(other.slice(30, 60));
    const persistence = new Persistence({ log: quietLog });
    expect(await readSecret('brop/operator/proxy/note-key', { persistence })).toBe(other);
    await aws.changedSecret('brop/operator/proxy/note-key', placeholder);
    const made = await makeKeys(deployment);
    expect(made).toMatchObject([{ name: 'proxy', nodeId: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(await makeKeys(deployment)).toEqual(made);
  });

  it('that are none are named, and never shown', async () => {
    const secret = `{"suite":"p256","secretKey":"${randomBytes(32).toString('hex')}"`;
    await aws.secret('one/broken', secret);
    for (const work of [openKey('secretsmanager:one/broken'), openNodeKey('secretsmanager:one/broken')]) {
      const text = await said(work);
      expect(text).toContain('secretsmanager:one/broken');
      expect(text).not.toContain(secret.slice(30, 60));
    }
  });

  it('that are not there, are bytes, or may not be read: one line each', async () => {
    const persistence = new Persistence({ log: quietLog, patienceMs: 0 });
    const read = (id: string) => readSecret(id, { client: aws.secrets, persistence });
    await expect(read('nowhere')).rejects.toThrow(/^the secret nowhere cannot be read: ResourceNotFoundException$/);
    await aws.secrets.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: Uint8Array.of(1, 2) }));
    await expect(read('bytes')).rejects.toThrow(/^the secret bytes holds no text$/);
    const denied = Object.assign(new Error('User … is not authorized'), { name: 'AccessDeniedException' });
    const client = { send: () => Promise.reject(denied) } as never;
    const refused = readSecret('mine', { client, persistence });
    await expect(refused).rejects.toThrow(/^the secret mine cannot be read: AccessDeniedException$/);
  });
});

describe('files in S3', () => {
  it('a genesis is read, and one that is not there is named', async () => {
    expect(await readS3Genesis('s3://common/chains/one/genesis.cbor', quietLog)).toEqual(Uint8Array.of(1, 2, 3));
    const missing = readS3Genesis('s3://common/genesis.cbor', quietLog);
    await expect(missing).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('s3://common/'),
    });
    const nowhere = readS3Genesis('s3://no-such-bucket-here/genesis.cbor', quietLog);
    await expect(nowhere).rejects.toThrow(/genesis: s3:\/\/no-such-bucket-here\/genesis\.cbor: NoSuchBucket/);
    await expect(readS3Genesis('s3://common', quietLog)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('a source of files is one like the others', async () => {
    const { files } = await openFileSource('s3://common/chains/one');
    expect(await files.read('genesis.cbor')).toEqual(Uint8Array.of(1, 2, 3));
    expect(await files.read('anchor.cbor')).toBeUndefined();
    await expect(openFileSource('s3://Common')).rejects.toThrow(/fileSources: s3:\/\/Common: must be s3:/);
  });
});
