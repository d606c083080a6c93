/** Processes seen from outside: metrics, dashboard and alerts, `brop top`, and one trace across all nodes. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { exit } from '../../cli/exit-codes.ts';
import { parseMetrics, total } from '../../cli/top/prometheus-text.ts';
import { decodeGenesis, PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import type { NodeConfigInput } from '../../nodes/config.ts';
import { create, nodeNames } from '../../nodes/devnet/create.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { brop } from '../cli/run.ts';
import { type CollectedSpan, type Collector, startCollector } from './collector.ts';

const VALIDATORS = 4;
const NODES = nodeNames(VALIDATORS);
const CLIENT_TRACE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const root = join(import.meta.dirname, '..', '..');

let home: string;
let folder: string;
let collector: Collector;
let net: Devnet;
let transaction: Uint8Array;

const random = (length: number) => new Uint8Array(randomBytes(length));
const configPath = (name: string) => join(folder, name, 'config.json');
const configOf = (name: string) => JSON.parse(readFileSync(configPath(name), 'utf8')) as NodeConfigInput;

function change(name: string, changes: Partial<NodeConfigInput>): void {
  writeFileSync(configPath(name), JSON.stringify({ ...configOf(name), ...changes }));
}

/** The operator admits a partner: the only transaction that a new chain allows. */
async function signedTransaction(): Promise<Uint8Array> {
  const genesis = decodeGenesis(nativeCrypto, readFileSync(join(folder, 'genesis.cbor')));
  const operator = openKeyFile(join(folder, 'operator', 'account-key.json'));
  const body = admitPartnerBody.encode({
    name: `Partner ${randomBytes(4).toString('hex')}`,
    key: generateKeyPair('ed25519', random).publicKey,
    legal: { version: '1.0', digest: random(32) },
    permissions: ['evidence'],
    quota: { max: 1_000_000, periodMs: 86_400_000 },
  });
  const draft = {
    chain: genesis.hash,
    protocolVersion: PROTOCOL_VERSION,
    sender: genesisAccountId(nativeCrypto, operator.publicKey),
    label: 'monitoring',
    nonce: random(32),
    expiry: 1_000,
    operations: [{ type: ADMIT_PARTNER, body }],
  };
  const unsigned = prepareTransaction(nativeCrypto, draft, operator.publicKey);
  return finishTransaction(unsigned, await operator.sign(unsigned.message));
}

function submit(bytes: Uint8Array): Promise<Response> {
  const { traceId, spanId } = CLIENT_TRACE;
  const headers = {
    'Content-Type': 'application/cose',
    Prefer: 'wait=20',
    traceparent: `00-${traceId}-${spanId}-01`,
  };
  return fetch(new URL('/v1/transactions', net.apiUrl), { method: 'POST', body: bytes as never, headers });
}

const metricsUrl = (name: string) => `http://127.0.0.1:${configOf(name).metrics!.port}`;
const metricsOf = async (url: string) => (await fetch(new URL('/metrics', url))).text();

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'brop-monitoring-'));
  folder = join(home, 'devnet');
  collector = await startCollector();
  const options = { folder, validators: VALIDATORS, apiPort: 0 };
  await create(options);
  for (const name of NODES) change(name, { tracing: { otlpUrl: collector.url } });
  net = await startDevnet(options, () => {});
  transaction = await signedTransaction();
  const answer = await submit(transaction);
  expect(answer.status, await answer.clone().text()).toBe(200);
}, 60_000);

afterAll(async () => {
  await net?.stop();
  await collector?.close();
  rmSync(home, { recursive: true, force: true });
});

describe('one transaction', () => {
  let spans: CollectedSpan[];
  const digest = () => createHash('sha256').update(transaction).digest('hex');
  const named = (name: string) => spans.filter((span) => span.name === name);
  const nodesOf = (name: string) =>
    named(name)
      .map(({ node }) => node)
      .sort();
  const attributeOf = ({ attributes }: CollectedSpan, wanted: string) =>
    Number(Object.values(attributes.find(({ key }) => key === wanted)?.value ?? {})[0]);

  beforeAll(async () => {
    const traceId = digest().slice(0, 32);
    const collected = () => collector.spans.filter((span) => span.traceId === traceId);
    // The last span of each process: what it ended before was exported with it or before it.
    const last = [...NODES.map(() => 'commit'), 'receipt', 'submit'].sort();
    const ended = () => collected().flatMap(({ name }) => (last.includes(name) ? [name] : []));
    await vi.waitFor(() => expect(ended().sort()).toEqual(last), { timeout: 20_000, interval: 50 });
    spans = collected();
  });

  test('has one trace, with spans of the follower and of all validators', () => {
    expect(nodesOf('submit')).toEqual(['follower']);
    expect(nodesOf('receipt')).toEqual(['follower']);
    expect(nodesOf('commit')).toEqual([...NODES].sort());
    const [proposer, ...others] = nodesOf('proposal.build');
    expect([proposer, ...others]).toHaveLength(1);
    // On a slow machine a validator may meet the transaction in the block first, or get the block when it is decided.
    for (const name of ['admission.decode', 'admission.signature', 'mempool'])
      expect(nodesOf(name), name).toEqual(nodesOf('admission'));
    expect(nodesOf('admission')).toEqual(expect.arrayContaining(['follower', proposer]));
    const agreed = nodesOf('consensus');
    expect(agreed.length).toBeGreaterThan((2 * VALIDATORS) / 3);
    expect(NODES.slice(0, VALIDATORS)).toEqual(expect.arrayContaining(agreed));
    expect([...nodesOf('proposal.build'), ...nodesOf('proposal.judge')].sort()).toEqual(agreed);
  });

  test('has the root that every process knows, and parents that are spans of this trace', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    expect(byId.size).toBe(spans.length);
    for (const span of spans) {
      const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
      if (span.name === 'submit') expect([span.spanId, parent]).toEqual([digest().slice(32, 48), undefined]);
      else if (span.name.startsWith('admission.')) {
        expect([parent?.name, parent?.node], span.name).toEqual(['admission', span.node]);
      } else expect(parent?.name, span.name).toBe('submit');
    }
  });

  test('is linked to the trace of the client, and says height and round', () => {
    expect(named('submit')[0]?.links).toMatchObject([CLIENT_TRACE]);
    expect(attributeOf(named('submit')[0]!, 'http.response.status_code')).toBe(200);
    const [height] = named('commit').map((span) => attributeOf(span, 'brop.height'));
    expect(height).toBeGreaterThan(0);
    for (const span of [...named('commit'), ...named('consensus')])
      expect(attributeOf(span, 'brop.height')).toBe(height);
    for (const span of named('consensus')) expect(attributeOf(span, 'brop.round')).toBeGreaterThanOrEqual(0);
    for (const span of spans) expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
  });

  test('is not told to anybody: attributes are numbers of the protocol', () => {
    const allowed = ['http.response.status_code', 'brop.bytes', 'brop.height', 'brop.round', 'brop.index', 'brop.code'];
    const keys = new Set(spans.flatMap(({ attributes }) => attributes.map(({ key }) => key)));
    expect([...keys].filter((key) => ![...allowed, 'brop.signatures'].includes(key))).toEqual([]);
    for (const span of spans) for (const { value } of span.attributes) expect(Object.keys(value)).toEqual(['intValue']);
  });
});

describe('metrics', () => {
  /** Names of metrics as they are declared, over all nodes. */
  const exposed = async () => {
    const texts = await Promise.all([...NODES.map(metricsUrl), net.apiUrl].map(metricsOf));
    return texts.map((text) => new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!)));
  };
  const namesIn = (text: string) => new Set(text.match(/\b(?:brop|process)_[a-z_]*[a-z]\b/g) ?? []);
  /** A histogram is asked for by its series. */
  const family = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
  /** Of nodes on AWS, which this net has none of. */
  const isElsewhere = (name: string) => /^brop_(ledger_table|published)_/.test(name);

  test('of every node are those that are documented, and the other way round', async () => {
    const page = readFileSync(join(root, 'docs/monitoring/metrics.md'), 'utf8');
    const rows = page.split('\n').filter((line) => /^\| `/.test(line));
    const documented = new Set(rows.flatMap((line) => [...namesIn(line.split('|')[1]!)]));
    const ofFollowers = [...documented].filter((name) => /^brop_(http|index|ledger_table|webhook)_/.test(name));
    const scrapes = await exposed();
    const everywhere = new Set(scrapes.flatMap((names) => [...names]));
    expect([...everywhere].filter((name) => !documented.has(name))).toEqual([]);
    expect([...documented].filter((name) => !everywhere.has(name) && !isElsewhere(name))).toEqual([]);
    for (const [i, names] of scrapes.slice(0, VALIDATORS).entries()) {
      const others = [...documented].filter((name) => !ofFollowers.includes(name) && !isElsewhere(name));
      const missing = others.filter((name) => !names.has(name));
      expect(missing, NODES[i]).toEqual([]);
    }
  });

  test('that the dashboard and the alerts ask for exist, and the dashboard shows all', async () => {
    const everywhere = new Set((await exposed()).flatMap((names) => [...names]));
    const dashboard = JSON.parse(readFileSync(join(root, 'docs/monitoring/grafana-dashboard.json'), 'utf8')) as {
      readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const alerts = readFileSync(join(root, 'docs/monitoring/prometheus-alerts.yml'), 'utf8');
    const asked = [...alerts.matchAll(/^ *expr: (.+)$/gm)].map(([, expr]) => expr!);
    expect(asked.length).toBeGreaterThan(8);
    const used = new Set([...shown, ...asked].flatMap((expr) => [...namesIn(expr)]).map(family));
    expect([...used].filter((name) => !everywhere.has(name) && !isElsewhere(name))).toEqual([]);
    const notShown = ['brop_block_time_seconds'];
    expect([...everywhere].filter((name) => !used.has(name))).toEqual(notShown);
  });

  test('count what happened: blocks, the transaction, votes, bytes between peers', async () => {
    const samples = parseMetrics(await metricsOf(metricsUrl('validator-0')));
    const least = {
      brop_height: 1,
      brop_transactions_total: 1,
      brop_operations_total: 1,
      brop_blocks_total: 1,
      brop_votes_cast_total: 2,
      brop_votes_received_total: 4,
      brop_vote_record_write_seconds_count: 2,
      brop_commit_seconds_count: 1,
      brop_consensus_seconds_count: 1,
      brop_signatures_checked_total: 1,
      brop_peer_bytes_total: 1_000,
      brop_store_bytes: 4_096,
      process_resident_memory_bytes: 1e7,
      brop_trace_spans_total: 1,
    };
    for (const [name, value] of Object.entries(least)) expect(total(samples, name), name).toBeGreaterThanOrEqual(value);
    expect(total(samples, 'brop_peers')).toBe(VALIDATORS);
    expect(total(samples, 'brop_equivocations')).toBe(0);
    expect(total(samples, 'brop_validators')).toBe(VALIDATORS);
  });

  test('count refusals by code', async () => {
    const refused = await submit(transaction.map((byte, i) => (i === transaction.length - 1 ? byte ^ 1 : byte)));
    expect(refused.status).toBe(403);
    expect(await metricsOf(net.apiUrl)).toContain('brop_transactions_refused_total{code="SIGNATURE_INVALID"} 1');
  });

  test('are served at one path, to readers', async () => {
    const url = metricsUrl('validator-0');
    const status = async (path: string, method: string) => (await fetch(new URL(path, url), { method })).status;
    expect(await status('/metrics', 'POST')).toBe(405);
    expect(await status('/', 'GET')).toBe(404);
    expect(await status('/metrics?x', 'HEAD')).toBe(200);
  });
});

describe('brop top', () => {
  const env = () => ({ BROP_HOME: home, HOME: home });

  test('shows all nodes of the devnet', async () => {
    const ran = await brop(['top', '--once', '--json', '--interval', '0.5'], env());
    expect(ran.exitCode).toBe(exit.ok);
    const { nodes } = ran.json() as { readonly nodes: readonly Record<string, unknown>[] };
    expect(nodes.map(({ node }) => node)).toEqual(NODES);
    for (const node of nodes) {
      expect(node).toMatchObject({ state: 'ok', peers: expect.any(Number), height: expect.any(Number) });
      expect(node.role).toBe(node.node === 'follower' ? 'follower' : 'validator');
    }
    const table = await brop(['top', '--once', '--interval', '0.5'], env());
    expect(table.stdout.trim().split('\n')).toHaveLength(NODES.length + 1);
    expect(table.stdout).not.toContain('\u001b');
  });

  test('says who does not answer, and fails when nobody does', async () => {
    const nowhere = 'http://127.0.0.1:1';
    const some = await brop(['top', '--once', '--json', '--url', `${nowhere},${net.apiUrl}`], env());
    expect(some.exitCode).toBe(exit.ok);
    expect(some.json()).toMatchObject({
      nodes: [
        { state: 'down', url: nowhere },
        { state: 'ok', node: 'follower' },
      ],
    });
    const none = await brop(['top', '--once', '--json', '--url', nowhere], env());
    expect(none).toMatchObject({ exitCode: exit.nodeUnreachable });
    expect(none.json()).toMatchObject({ ok: false });
    expect(await brop(['top', '--url', 'ftp://x'], env())).toMatchObject({ exitCode: exit.usage });
    expect(await brop(['top', '--interval', '0'], env())).toMatchObject({ exitCode: exit.usage });
  });
});

describe('a devnet without metrics and tracing, as older ones are', () => {
  test('runs on, and is shown as far as its API goes', async () => {
    await net.stop();
    for (const name of NODES) {
      const { name: _, metrics: __, tracing: ___, ...older } = configOf(name);
      writeFileSync(configPath(name), JSON.stringify(older));
    }
    net = await startDevnet({ folder, validators: VALIDATORS, apiPort: 0 }, () => {});
    writeFileSync(join(folder, 'client.json'), JSON.stringify({ url: net.apiUrl }));
    const ran = await brop(['top', '--once', '--json', '--interval', '0.5'], { BROP_HOME: home, HOME: home });
    expect(ran.exitCode).toBe(exit.ok);
    const { nodes } = ran.json() as { readonly nodes: readonly Record<string, unknown>[] };
    expect(nodes).toMatchObject([{ node: expect.stringMatching(/^follower-[0-9a-f]{8}$/), role: 'follower' }]);
  });
});
