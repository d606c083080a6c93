/**
 * A devnet whose validators come and go, as their companies do it: with `brop keygen`, `brop validators`, `brop node
 * register`, and a process of its own for each node.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { type Command, parse } from '../../cli/command.ts';
import { keygen } from '../../cli/commands/keygen.ts';
import { registerNode } from '../../cli/commands/node-register.ts';
import { validatorsAdmit } from '../../cli/commands/validators-admit.ts';
import { validatorsApprove } from '../../cli/commands/validators-approve.ts';
import { validatorsPropose } from '../../cli/commands/validators-propose.ts';
import { validatorsSubmit } from '../../cli/commands/validators-submit.ts';
import { decodeGenesis, type Genesis } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { NodeConfigInput } from '../../nodes/config.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { launchNode } from '../../nodes/launch.ts';
import type { NodeReport } from '../../nodes/node/main.ts';
import { type Client, createClient } from '../../sdk/index.ts';
import { random } from '../bench/chain.ts';
import { HttpClient } from '../bench/client.ts';

type Peer = NonNullable<NodeConfigInput['peers']>[number];

/** A node with a consensus key, and the company that it is of. */
export interface CompanyNode {
  readonly folder: string;
  /** As text. */
  readonly account: string;
  readonly peer: Peer;
  process: ChildProcess;
}

export class GrowingDevnet {
  readonly client: Client;
  readonly http: HttpClient;
  readonly genesis: Genesis;
  private readonly root: string;
  private readonly devnet: Devnet;
  private readonly peers: Peer[];
  private readonly started: CompanyNode[] = [];
  private changes = 0;

  static async start(root: string, validators: number): Promise<GrowingDevnet> {
    // The commands run in this process: a devnet or a profile of whoever runs the tests must not leak in.
    process.env.BROP_HOME = join(root, 'home');
    delete process.env.BROP_PROFILE;
    delete process.env.BROP_GENESIS;
    const parameters = { minBlockIntervalMs: 50, blockIntervalMs: 300 };
    const options = { folder: join(root, 'devnet'), validators, apiPort: 0, parameters } as const;
    return new GrowingDevnet(root, await startDevnet({ ...options, logLevel: 'warn' }, () => {}));
  }

  private constructor(root: string, devnet: Devnet) {
    this.root = root;
    this.devnet = devnet;
    this.http = new HttpClient(devnet.apiUrl, 2);
    this.genesis = decodeGenesis(crypto, readFileSync(join(devnet.folder, 'genesis.cbor')));
    const signer = openKeyFile(this.operatorKey);
    const account = genesisAccountId(crypto, signer.publicKey);
    this.client = createClient({ url: devnet.apiUrl, genesisHash: this.genesis.hash, account, signer, crypto });
    const [followers, others] = ['validator-0', 'follower'].map(
      (name) => configIn(join(devnet.folder, name)).peers ?? [],
    );
    this.peers = [...(others ?? []), ...(followers ?? []).filter(({ id }) => !others?.some((one) => one.id === id))];
  }

  async stop(): Promise<void> {
    this.http.close();
    await Promise.all(this.started.map((node) => this.end(node)));
    await this.devnet.stop();
  }

  private get operatorKey(): string {
    return join(this.devnet.folder, 'operator', 'account-key.json');
  }

  /** Consensus key file of a validator of the genesis. */
  founderKey(index: number): string {
    return join(this.devnet.folder, `validator-${index}`, 'consensus-key.json');
  }

  async height(): Promise<number> {
    return Number((await this.http.json('/v1/status')).height);
  }

  async until(height: number): Promise<void> {
    while ((await this.height()) < height) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Block times from one height to another, and how long the chain stood at most. */
  async longestGapMs(from: number, to: number): Promise<number> {
    const times: number[] = [];
    for (let height = from; height <= to; height++)
      times.push(Number((await this.http.json(`/v1/blocks/${height}`)).timeMs));
    return Math.max(...times.slice(1).map((time, i) => time - times[i]!));
  }

  /** Something final; its receipt. */
  async receipt(): Promise<Uint8Array> {
    const body = { nodeKey: random(32) };
    await this.client.governance.registerNode(body, { label: 'test' });
    return (await this.client.governance.unregisterNode(body, { label: 'test' })).receipt;
  }

  private async brop(command: Command, ...argv: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    let answer: Readonly<Record<string, unknown>> = {};
    const result = (value: Readonly<Record<string, unknown>>) => {
      answer = value;
    };
    await command.run(parse(command, argv), { json: true, colour: false, line: () => {}, progress: () => {}, result });
    return answer;
  }

  private get chain(): readonly string[] {
    return ['--url', this.devnet.apiUrl, '--genesis', toHex(this.genesis.hash)];
  }

  /** A company with an account, and its node, which follows until a set has its key. */
  async joins(name: string): Promise<CompanyNode> {
    const folder = join(this.root, name);
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'legal.txt'), `Legal document of ${name}.\n`);
    await this.brop(keygen, join(folder, 'account-key.json'));
    const about = ['--legal', join(folder, 'legal.txt'), '--legal-version', '1.0', '--key', this.operatorKey];
    const key = ['--account-key', join(folder, 'account-key.json')];
    const { account } = await this.brop(validatorsAdmit, '--name', name, ...key, ...about, ...this.chain);
    return this.startsNode(folder, String(account), join(folder, 'account-key.json'));
  }

  /** Another node of the same company, with a consensus key of its own. */
  async startsSuccessor(of: CompanyNode): Promise<CompanyNode> {
    const folder = `${of.folder}-successor`;
    mkdirSync(folder, { mode: 0o700 });
    return this.startsNode(folder, of.account, join(of.folder, 'account-key.json'));
  }

  private async startsNode(folder: string, account: string, accountKey: string): Promise<CompanyNode> {
    await this.brop(keygen, join(folder, 'consensus-key.json'));
    const { peerId } = await this.brop(keygen, join(folder, 'node-key.pem'), '--node');
    await this.brop(registerNode, join(folder, 'node-key.pem'), '--key', accountKey, ...this.chain);
    const peer = { id: String(peerId), host: '127.0.0.1', port: await freePort() };
    const config: NodeConfigInput = {
      role: 'validator',
      consensusKey: 'consensus-key.json',
      genesis: join(this.devnet.folder, 'genesis.cbor'),
      dataFolder: 'data',
      nodeKey: 'node-key.pem',
      listen: { host: peer.host, port: peer.port },
      peers: [...this.peers],
      log: { level: 'info', file: 'node.log' },
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    this.peers.push(peer);
    const node = { folder, account, peer, process: await launched(folder) };
    this.started.push(node);
    return node;
  }

  /** Stopped, and started again with another of its keys, over the same data folder. */
  async restartsWith(node: CompanyNode, consensusKey: string): Promise<void> {
    await this.end(node);
    writeFileSync(join(node.folder, 'config.json'), JSON.stringify({ ...configIn(node.folder), consensusKey }));
    node.process = await launched(node.folder);
  }

  async end({ process }: CompanyNode): Promise<void> {
    if (process.exitCode !== null || process.signalCode !== null) return;
    process.kill('SIGTERM');
    await once(process, 'exit');
  }

  async key(node: CompanyNode, name: string): Promise<string> {
    const path = join(node.folder, name);
    await this.brop(keygen, path);
    return path;
  }

  /**
   * Proposed, approved with these key files, submitted; resolves with its height when that has come. On a machine that
   * is busy the height may be past before all have approved: then it is proposed anew.
   */
  async change(approvers: readonly string[], ...change: readonly string[]): Promise<number> {
    for (const ahead of ['12', '40', '120']) {
      const file = join(this.root, `change-${this.changes++}.json`);
      const { effectiveHeight } = await this.brop(
        validatorsPropose,
        ...['--out', file, '--in', ahead, ...change, ...this.chain],
      );
      for (const key of approvers) await this.brop(validatorsApprove, file, '--key', key);
      try {
        await this.brop(validatorsSubmit, file, '--key', this.operatorKey, ...this.chain);
      } catch (error) {
        if (!String(error).includes('propose it anew')) throw error;
        continue;
      }
      await this.until(Number(effectiveHeight));
      return Number(effectiveHeight);
    }
    throw new Error('no change was approved before its height');
  }

  /** Whether the node has logged this. */
  hasLogged({ folder }: CompanyNode, message: string): boolean {
    return readFileSync(join(folder, 'node.log'), 'utf8').includes(message);
  }
}

function configIn(folder: string): NodeConfigInput {
  return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as NodeConfigInput;
}

function launched(folder: string): Promise<ChildProcess> {
  const child = launchNode(join(folder, 'config.json'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const report = message as NodeReport;
      if (report.kind === 'ready') resolve(child);
      else reject(new Error(`${folder}: ${report.code} ${report.message}`));
    });
    child.once('exit', (code) => reject(new Error(`${folder}: ended with ${code}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
