/** Which signers a config opens, and what is said when it cannot be. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { type FakeCloudHsm, fakeCloudHsm } from '../../test/signers/fake-cloudhsm.ts';
import { SoftHsm } from '../../test/signers/softhsm.ts';
import { loadConfig } from '../config.ts';
import { clusterOutage } from './cluster-outage.ts';
import { openSigner } from './open-signer.ts';
import { readSecret } from './secret.ts';
import { type AutoSignerConfig, consensusKey, type SignerConfigInput } from './signer-config.ts';
import { withTimeLimit } from './time-limit.ts';
import { chooseSigner, openVotingKeys } from './voting-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'brop-signing-'));
const path = (name: string) => join(folder, name);
const configOf = (input: SignerConfigInput) => consensusKey.parse(input);
const autoOf = (input: object) => consensusKey.parse({ driver: 'auto', ...input }) as AutoSignerConfig;

function lines() {
  const logged: string[] = [];
  const note = (level: string) => (message: string, fields?: object) =>
    void logged.push(`${level}: ${message} ${JSON.stringify(fields ?? {})}`);
  return { logged, log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } };
}

beforeAll(() => {
  for (const name of ['primary', 'standby']) createKeyFile(path(name), 'p256');
});
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the field consensusKey', () => {
  const written = (key: unknown) => {
    const config = { role: 'validator', genesis: 'g', dataFolder: 'd', nodeKey: 'n', consensusKey: key };
    writeFileSync(path('config.json'), JSON.stringify(config));
    return loadConfig(path('config.json')) as { readonly consensusKey?: unknown };
  };
  const token = { driver: 'pkcs11', library: '/lib/hsm.so', tokenLabel: 't', keyLabel: 'k', pin: 'file:pin' };

  test('may be the path of a key file, which is relative to the config', () => {
    expect(written('votes.json').consensusKey).toEqual({ driver: 'file', path: path('votes.json') });
    expect(written({ driver: 'kms', keyId: 'alias/votes' }).consensusKey).toEqual({
      driver: 'kms',
      keyId: 'alias/votes',
    });
    const auto = { driver: 'auto', primary: token, standby: { driver: 'file', path: 'standby.json' } };
    expect(written(auto).consensusKey).toEqual({
      ...{ driver: 'auto', returns: 0 },
      primary: { ...token, pin: `file:${path('pin')}` },
      standby: { driver: 'file', path: path('standby.json') },
    });
  });

  test.each([
    ['a PIN itself', { ...token, pin: '1234' }, 'consensusKey.pin: must be env:NAME, file:PATH or secretsmanager:ID'],
    ['an unknown driver', { driver: 'tpm' }, 'consensusKey.driver'],
    ['no driver', {}, 'consensusKey.driver'],
    ['an empty path', '', 'consensusKey'],
    ['a field that is not known', { ...token, slot: 1 }, 'consensusKey: Unrecognized key: "slot"'],
    ['auto without a standby', { driver: 'auto', primary: token }, 'consensusKey.standby'],
    ['auto in auto', { driver: 'auto', primary: token, standby: { driver: 'auto' } }, 'consensusKey.standby.driver'],
  ])('is refused in one line that names it: %s', (_, key, said) => {
    expect(() => written(key)).toThrow(said);
    expect(() => written(key)).not.toThrow('1234');
  });
});

describe("the environment's SIGNER", () => {
  const kms = { driver: 'kms', keyId: 'k' } as const;
  const file = { driver: 'file', path: '/f' } as const;
  const auto = configOf({ driver: 'auto', primary: kms, standby: file });

  test('lets a part of the config sign alone', () => {
    expect(chooseSigner(auto, undefined)).toBe(auto);
    expect(chooseSigner(auto, 'auto')).toBe(auto);
    expect(chooseSigner(auto, 'kms')).toEqual(kms);
    expect(chooseSigner(auto, 'file')).toEqual(file);
  });

  test('names nothing that the config does not have', () => {
    expect(() => chooseSigner(auto, 'pkcs11')).toThrow(
      'SIGNER=pkcs11: consensusKey has no such driver, only auto, kms, file',
    );
    expect(() => chooseSigner(kms, 'auto')).toThrow('only kms');
  });
});

describe('a secret', () => {
  test('is read from where the reference says, without the line break behind it', async () => {
    vi.stubEnv('BROP_TEST_PIN', 'from-env');
    writeFileSync(path('pin'), 'from-file\n');
    expect(await readSecret('env:BROP_TEST_PIN')).toBe('from-env');
    expect(await readSecret(`file:${path('pin')}`)).toBe('from-file');
  });

  test.each(['env:BROP_TEST_NOTHING', 'file:/nowhere/pin'])('that is not there is named: %s', async (reference) => {
    await expect(readSecret(reference)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(readSecret(reference)).rejects.toThrow(reference);
  });
});

describe('two keys', () => {
  const file = (name: string) => ({ driver: 'file', path: path(name) }) as const;

  test('are both open, and that there is no CloudHSM is said', async () => {
    const { log, logged } = lines();
    const keys = await openVotingKeys(autoOf({ primary: file('primary'), standby: file('standby') }), undefined, log);
    expect(keys.signer.publicKey).not.toEqual(keys.standby?.signer.publicKey);
    expect(logged).toEqual(['info: there is no CloudHSM: the primary key is where the config says {"driver":"file"}']);
  });

  test('of which the primary cannot be opened: the standby stands in, with the reason', async () => {
    const { log, logged } = lines();
    const keys = await openVotingKeys(autoOf({ primary: file('gone'), standby: file('standby') }), undefined, log);
    expect(keys.signer).toBe(keys.standby?.signer);
    expect(logged.at(-1)).toContain('error: the primary key is out of reach');
    expect(logged.at(-1)).toContain('no such file');
  });

  test('of which the standby cannot be opened, or that are one, are refused', async () => {
    const { log } = lines();
    const open = (primary: string, standby: string) =>
      openVotingKeys(autoOf({ primary: file(primary), standby: file(standby) }), undefined, log);
    await expect(open('primary', 'gone')).rejects.toThrow('consensusKey.standby: key file');
    await expect(open('primary', 'primary')).rejects.toThrow('primary and standby are the same key');
  });

  test('in a token of SoftHSM2 sign, each for itself', async () => {
    const hsm = new SoftHsm([
      ['first', 'p256'],
      ['second', 'p256'],
    ]);
    vi.stubEnv('BROP_TEST_PIN', hsm.pin);
    const token = (keyLabel: string) => {
      const { library, tokenLabel } = hsm;
      return { driver: 'pkcs11', library, tokenLabel, keyLabel, pin: 'env:BROP_TEST_PIN' };
    };
    const auto = autoOf({ primary: token('first'), standby: token('second') });
    const keys = await openVotingKeys(auto, undefined, lines().log);
    const message = new Uint8Array([1, 2, 3]);
    for (const signer of [keys.signer, keys.standby!.signer])
      expect(pureCrypto.verify(signer.publicKey, message, await signer.sign(message))).toBe(true);
    keys.close();
    hsm.remove();
  });
});

test('a signer that hangs has failed after its time', async () => {
  const { signer } = await openSigner({ driver: 'file', path: path('primary') }, lines().log);
  const message = new Uint8Array([1]);
  expect((await withTimeLimit(signer, 10_000).sign(message)).length).toBe(64);
  const hanging = withTimeLimit({ publicKey: signer.publicKey, sign: () => new Promise(() => {}) }, 1);
  await expect(hanging.sign(message)).rejects.toThrow('no signature within 1 ms');
});

describe('a KMS that throttles', () => {
  /** Answers after so many refusals. */
  async function throttlingKms(refusals: number) {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    let asked = 0;
    const server = createHttpServer((request, response) => {
      request.resume().once('end', () => {
        asked += 1;
        const throttled = asked <= refusals;
        const body = throttled
          ? { __type: 'ThrottlingException', message: 'Rate exceeded' }
          : { KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256', PublicKey: spki.toString('base64') };
        response
          .writeHead(throttled ? 400 : 200, { 'Content-Type': 'application/x-amz-json-1.1' })
          .end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    stubAws();
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { asked: () => asked };
  }
  const key = { driver: 'kms', keyId: 'alias/votes' } as const;

  test('is asked again, with pauses, until it answers', async () => {
    const kms = await throttlingKms(4);
    const { log, logged } = lines();
    const { signer, close } = await openSigner(key, log);
    expect([signer.publicKey.suite, kms.asked()]).toEqual(['p256', 5]);
    expect(logged.map((line) => line.split(' {')[0])).toEqual(['warn: AWS is waited for', 'info: AWS answers again']);
    close();
  });

  test('is waited for however long it takes, but for a primary key with another one beside it', async () => {
    const kms = await throttlingKms(4);
    let nowMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      nowMs += 3_600_000;
      return nowMs;
    });
    onTestFinished(() => clock.mockRestore());
    await expect(openSigner(key, lines().log, { patienceMs: 30_000 })).rejects.toThrow('Rate exceeded');
    const { close } = await openSigner(key, lines().log);
    expect(kms.asked()).toBe(5);
    close();
  });

  test('is waited for no longer than the node does', async () => {
    const kms = await throttlingKms(Number.POSITIVE_INFINITY);
    const over = new AbortController();
    const opening = openVotingKeys(key, undefined, lines().log, over.signal);
    await vi.waitFor(() => expect(kms.asked()).toBeGreaterThan(0));
    over.abort();
    await expect(opening).rejects.toThrow('consensusKey: Rate exceeded');
  });
});

describe('the CloudHSM behind a primary key', () => {
  let fake: FakeCloudHsm;
  let hsmPort: number;
  const hsm = createServer((socket) => socket.end());
  beforeAll(async () => {
    await new Promise<void>((resolve) => hsm.listen(0, '127.0.0.1', resolve));
    hsmPort = (hsm.address() as AddressInfo).port;
  });
  afterEach(() => fake.close());
  afterAll(() => new Promise((resolve) => hsm.close(resolve)));

  const outage = async (change: (fake: FakeCloudHsm) => void, options: { id?: string; port?: number } = {}) => {
    stubAws();
    fake = await fakeCloudHsm('ACTIVE');
    fake.hsms.push({ HsmId: 'hsm-1', AvailabilityZone: 'eu-central-1a', EniIp: '127.0.0.1', State: 'ACTIVE' });
    change(fake);
    const cluster = { id: options.id ?? fake.clusterId, endpoint: fake.endpoint };
    const key = { driver: 'file', path: '/f' };
    const { log, logged } = lines();
    const found = await clusterOutage(autoOf({ primary: key, standby: key, cluster }), log, options.port ?? hsmPort);
    return { found, logged };
  };

  test.each(['ACTIVE', 'UPDATE_IN_PROGRESS', 'DEGRADED'] as const)(
    'is worth trying when it is %s and an HSM answers',
    async (state) => {
      expect(await outage((of) => void Object.assign(of, { state }))).toEqual({ found: null, logged: [] });
    },
  );

  test('of which the one HSM is not ACTIVE is out of reach', async () => {
    const { found } = await outage((of) => {
      of.state = 'DEGRADED';
      of.hsms[0]!.State = 'DEGRADED';
    });
    expect(found).toBe(`no HSM of the cluster ${fake.clusterId} is ACTIVE`);
  });

  test.each(['UNINITIALIZED', 'INITIALIZED'] as const)('is out of reach while %s', async (state) => {
    const { found } = await outage((of) => void Object.assign(of, { state }));
    expect(found).toBe(`the CloudHSM cluster ${fake.clusterId} is ${state}`);
  });

  test('is out of reach without an HSM, with one that does not answer, and where there is no cluster', async () => {
    expect((await outage((of) => void of.hsms.splice(0))).found).toContain('no HSM of the cluster');
    await fake.close();
    const silent = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
    });
    expect((await outage(() => {}, { port: silent })).found).toContain('answers at 127.0.0.1');
    await fake.close();
    expect((await outage(() => {}, { id: 'cluster-other' })).found).toBe('there is no CloudHSM cluster cluster-other');
  });

  test('is tried when its control plane cannot be asked', async () => {
    const { found, logged } = await outage(
      (of) => void Object.assign(of, { fault: { error: 'CloudHsmAccessDeniedException' } }),
    );
    expect(found).toBeNull();
    expect(logged[0]).toContain('the CloudHSM cluster cannot be asked about');
  });
});

function stubAws(): void {
  const credentials = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value);
}
