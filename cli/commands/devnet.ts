import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { createKeyFile, openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { verifyFile, verifyReceipt } from '../../node-core/chain/receipt.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { DEVNET_SIGNERS, type DevnetSigner } from '../../nodes/devnet/create.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { readGenesis } from '../../nodes/run-node.ts';
import { createClient } from '../../sdk/index.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { filesBelow } from '../files.ts';
import { home } from '../home.ts';
import { getJson } from '../http.ts';
import { inParallel, progress, table } from '../progress.ts';
import { type Registered, Registrar } from '../registrar.ts';

const DEFAULT_API_PORT = 4680;
const IN_FLIGHT = 32;
/** A signal to the whole process group is seen here at most so much after a node has ended by it. */
const SOON = () => new Promise<'later'>((done) => setTimeout(() => done('later'), 200));
/** Rows of the table for people; `--json` and the receipts folder have all. */
const TABLE_ROWS = 40;

export const devnet: Command = {
  name: 'devnet',
  usage: '[folder] [--once] [--json]',
  summary: 'Runs four validators and a follower on this machine and registers the files of a folder.',
  help: `
The first start makes keys and a genesis below .brop/devnet and admits a partner; later starts go on
with the same chain. Every file of the folder is registered, its receipt is verified offline, and a
tampered copy is shown to fail. Without a folder the data sets of the npm package vega-datasets are
registered. The API stays up until Ctrl-C, or with --once ends after the registration.

With --signer pkcs11 every validator signs with a token of SoftHSM2 in its folder, with --signer auto
with two, primary and standby; both need SoftHSM2 and the npm package pkcs11js. Take the primary token
of a running validator away, and it goes on with the standby one: brop status shows the alarm.

  npm start -- docs
  npm start -- --once --json docs
  npx brop devnet --data auto-devnet --signer auto docs
  SOFTHSM2_CONF=auto-devnet/validator-0/softhsm2.conf softhsm2-util --delete-token --token primary`,
  options: {
    once: { type: 'boolean', help: 'stop when everything is registered and verified' },
    data: { type: 'string', value: 'folder', help: 'folder of the devnet; default .brop/devnet' },
    port: {
      type: 'string',
      value: 'port',
      help: `port of the API; default ${DEFAULT_API_PORT} or the one of the first start`,
    },
    validators: { type: 'string', value: 'n', help: 'validators of a new devnet, 1 to 10; default 4' },
    signer: { type: 'string', value: 'kind', help: 'what signs votes in a new devnet: file (default), pkcs11 or auto' },
  },
  positionals: [0, 1],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const folder = resolve(args.text('data') ?? join(home(), 'devnet'));
  const source = sourceFolder(args.positionals[0]);
  const files = await filesBelow(source);
  const apiPort = numberOption(args, 'port', DEFAULT_API_PORT, 0, 65_535);
  const signer = signerOption(args);
  const movesApi = args.text('port') !== undefined;
  const validators = numberOption(args, 'validators', 4, 1, 10);
  const interrupted = new Promise<null>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done(null));
  });
  const started = performance.now();
  const starting = startDevnet(
    { folder, validators, apiPort, movesApi, ...(signer !== undefined && { signer }) },
    out.progress,
  );
  // Ctrl-C in a terminal reaches the nodes too: what they then fail with is nobody's news.
  const net = await Promise.race([starting, interrupted]).catch(async (error: unknown) => {
    if ((await Promise.race([interrupted, SOON()])) === null) return null;
    throw error;
  });
  if (net === null) {
    out.progress('stopping the nodes');
    await starting.then(
      (begun) => begun.stop(),
      () => {},
    );
    return exit.interrupted;
  }
  try {
    const work = present(net, source, files, started, out);
    const outcome = await Promise.race([
      work,
      interrupted,
      net.failed.then((name) => new ExitError(exit.failure, `${name} ended: see ${join(folder, name, 'node.log')}`)),
    ]);
    if (outcome instanceof ExitError) throw outcome;
    if (outcome === null) return exit.interrupted;
    if (args.flag('once')) return outcome;
    out.progress(
      `\nAPI         ${net.apiUrl}/docs\nregister    npx brop register <file> --out receipts\nstop        Ctrl-C`,
    );
    const ended = await Promise.race([interrupted, net.failed]);
    if (ended !== null) throw new ExitError(exit.failure, `${ended} ended: see ${join(folder, ended, 'node.log')}`);
    return outcome;
  } finally {
    out.progress('stopping the nodes');
    await net.stop();
  }
}

function sourceFolder(given: string | undefined): string {
  const folder = given ?? join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data');
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new BropError('FILE_UNREADABLE', `${folder} is not a folder.`);
  return folder;
}

function numberOption(args: Arguments, name: string, byDefault: number, min: number, max: number): number {
  const given = args.text(name);
  const value = given === undefined ? byDefault : Number(given);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new ExitError(exit.usage, `--${name} is a number from ${min} to ${max}`);
  return value;
}

function signerOption(args: Arguments): DevnetSigner | undefined {
  const given = args.text('signer');
  const found = DEVNET_SIGNERS.find((kind) => kind === given);
  if (given === undefined || found !== undefined) return found;
  throw new ExitError(exit.usage, `--signer is one of ${DEVNET_SIGNERS.join(', ')}`);
}

/** Registers everything, shows the receipts, verifies them, and tries a tampered file. */
async function present(
  net: Devnet,
  source: string,
  files: readonly string[],
  started: number,
  out: Output,
): Promise<number> {
  const genesisHash = readGenesis(join(net.folder, 'genesis.cbor')).hash;
  const registrar = await partnerOf(net, genesisHash, out);
  const receipts = join(net.folder, 'receipts');
  const bar = progress('registering', files.length);
  let done = 0;
  const outcomes = await inParallel(files, IN_FLIGHT, async (file) => {
    const name = relative(source, file);
    const outcome = await registrar
      .register(file, name, join(receipts, `${name}.receipt`))
      .catch((error: unknown) => problem(name, error, out));
    bar.step(++done);
    return outcome;
  });
  bar.end();
  const registered = outcomes.filter((outcome) => outcome !== null);
  showTable(registered, out);
  const verified = await verifyAll(registered, genesisHash, out);
  if (registered[0] !== undefined) tamper(registered[0], genesisHash, out);
  const { height } = await getJson(net.apiUrl, '/v1/status');
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  out.line(
    `\n${registered.length} of ${files.length} files registered and ${verified} verified in ${seconds} s, height ${height}\ngenesis ${toHex(genesisHash)}\nreceipts in ${receipts}`,
  );
  out.result({
    files: files.length,
    receipts: registered.length,
    verified,
    height,
    genesis: toHex(genesisHash),
    api: net.apiUrl,
    receiptsFolder: receipts,
  });
  return registered.length === files.length && verified === files.length ? exit.ok : exit.failure;
}

function problem(name: string, error: unknown, out: Output): null {
  out.progress(`${name}: failed: ${error instanceof Error ? error.message : String(error)}`);
  return null;
}

/** The partner of this devnet; the operator admits it at the first start. */
async function partnerOf(net: Devnet, genesisHash: Uint8Array, out: Output): Promise<Registrar> {
  const keyFile = join(net.folder, 'partner-key.json');
  const profileFile = join(net.folder, 'client.json');
  if (!existsSync(keyFile)) createKeyFile(keyFile, 'ed25519');
  const known = existsSync(profileFile)
    ? (JSON.parse(readFileSync(profileFile, 'utf8')) as { account: string }).account
    : undefined;
  const account = known ?? (await admit(net, genesisHash, keyFile, out));
  const profile = { url: net.apiUrl, genesis: toHex(genesisHash), account, key: 'partner-key.json' };
  writeFileSync(`${profileFile}.tmp`, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${profileFile}.tmp`, profileFile);
  return new Registrar({ url: net.apiUrl, genesisHash, account, keyFile });
}

async function admit(net: Devnet, genesisHash: Uint8Array, keyFile: string, out: Output): Promise<string> {
  out.progress('the operator admits a partner');
  const operator = openKeyFile(join(net.folder, 'operator', 'account-key.json'));
  const account = genesisAccountId(nativeCrypto, operator.publicKey);
  const client = createClient({ url: net.apiUrl, genesisHash, account, signer: operator, crypto: nativeCrypto });
  const key = openKeyFile(keyFile).publicKey;
  const legal = {
    version: '1.0',
    digest: nativeCrypto.hash('sha-256', utf8('Legal document of the partner of a BROP devnet, version 1.0.\n')),
  };
  const quota = { max: 1_000_000_000_000, periodMs: 86_400_000 };
  const name = `Devnet partner ${toHex(key.bytes).slice(0, 8)}`;
  const known = await accountNamed(net.apiUrl, name);
  if (known !== null) return known;
  const admitted = await client.governance.admitPartner({
    name,
    key,
    legal,
    permissions: ['identity', 'evidence'],
    quota,
  });
  return accountIdToText(admitted.account);
}

/** An earlier start may have been interrupted after the admission. */
async function accountNamed(url: string, name: string): Promise<string | null> {
  try {
    const found = await getJson(url, `/v1/accounts?name=${encodeURIComponent(name)}`);
    return typeof found.account === 'string' ? found.account : null;
  } catch (error) {
    if (error instanceof BropError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

function showTable(registered: readonly Registered[], out: Output): void {
  const rows = registered
    .slice(0, TABLE_ROWS)
    .map((r) => [
      r.name,
      String(r.height),
      new Date(r.timeMs).toISOString(),
      r.digest.slice(0, 16),
      `${r.signatures} of ${r.validators}`,
    ]);
  if (rows.length > 0) out.line(table(['file', 'block', 'time', 'sha-256', 'signed by'], rows));
  if (registered.length > TABLE_ROWS) out.line(`… and ${registered.length - TABLE_ROWS} more`);
}

/** With nothing but the receipt, the file and the genesis hash. */
async function verifyAll(registered: readonly Registered[], genesisHash: Uint8Array, out: Output): Promise<number> {
  const begin = performance.now();
  let verified = 0;
  for (const { name, file, receiptFile } of registered) {
    const facts = verifyReceipt(nativeCrypto, readFileSync(receiptFile), genesisHash);
    const refused =
      'code' in facts ? facts : verifyFile(facts, (algorithm) => nativeCrypto.hash(algorithm, readFileSync(file)));
    if (refused === null) verified += 1;
    else out.progress(`${name}: ${refused.code} ${refused.detail ?? ''}`);
  }
  const each = registered.length === 0 ? 0 : (performance.now() - begin) / registered.length;
  out.line(`\nverified offline: ${verified} of ${registered.length} receipts, ${each.toFixed(1)} ms each`);
  return verified;
}

function tamper({ name, file, receiptFile }: Registered, genesisHash: Uint8Array, out: Output): void {
  const content = new Uint8Array(readFileSync(file));
  const changed = content.length === 0 ? Uint8Array.of(0) : content.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  const facts = verifyReceipt(nativeCrypto, readFileSync(receiptFile), genesisHash);
  const refused = 'code' in facts ? facts : verifyFile(facts, (algorithm) => nativeCrypto.hash(algorithm, changed));
  if (refused === null) throw new ExitError(exit.failure, 'a tampered file passed verification');
  out.line(
    `tampered: ${name} with its first bit flipped is refused: ${new BropError(refused.code).message} [${refused.code}]`,
  );
}
