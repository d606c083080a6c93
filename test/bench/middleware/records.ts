/** What a page costs in an index of a million records, on SQLite in its own thread, as a node has it. */
import { performance } from 'node:perf_hooks';
import type { Fields } from '../../../node-core/ledger/projection.ts';
import type { RecordPage, RecordQuery } from '../../../node-core/middleware/query/query.ts';
import type { BlockRows, IndexRow } from '../../../node-core/ports/index-store.ts';
import { IndexThread } from '../../../nodes/middleware/index-thread.ts';
import { percentile } from '../measure.ts';
import { sha256Hex } from './digests.ts';

const RECORDS_EACH = 500;
const PAGE = 50;
const SUBJECTS = 20_000;
const REGISTRANTS = 40;
const TIMES = 200;
/** Pages into a list before and after which the cost of one is compared. */
const DEEP_PAGES = 1_000;

export interface RecordCosts {
  /** Rows of records written per second, with all of their entries. */
  readonly rowsPerSecond: number;
  /** 95th percentile of the worst kind of query, ms. */
  readonly p95Ms: number;
  /** Median of pages deep in a list, through that of its first pages. */
  readonly depth: number;
}

export async function recordCosts(path: string, records: number, say: (line: string) => void): Promise<RecordCosts> {
  const store = new IndexThread(path);
  try {
    await store.open('bench', 0);
    const rowsPerSecond = await fill(store, records, say);
    let p95Ms = 0;
    for (const [name, query] of kinds(records)) {
      const taken = await times(store, query);
      const p95 = percentile(taken, 0.95);
      say(`${name}: p50 ${percentile(taken, 0.5).toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`);
      p95Ms = Math.max(p95Ms, p95);
    }
    return { rowsPerSecond, p95Ms, depth: await depth(store, say) };
  } finally {
    await store.close();
  }
}

function fieldsOf(i: number): Fields {
  return {
    registrant: `brop1registrant${i % REGISTRANTS}`,
    digest: [`sha-256:${sha256Hex(i)}`],
    subject: `lot ${(i * 7_919) % SUBJECTS}`,
    mediaType: i % 10 === 0 ? 'image/png' : 'application/pdf',
    sizeBytes: i,
    'attributes.weight_g': (i * 104_729) % 1_000_000,
    'attributes.country': ['cn', 'de', 'fr', 'jp'][i % 4]!,
  };
}

function block(height: number): BlockRows {
  const timeMs = 1_000 * height;
  const common = { height, timeMs, sender: null, nonce: null };
  const own: IndexRow = {
    ...common,
    collection: 'blocks',
    key: String(height),
    transaction: 0,
    row: 0,
    fields: { hash: sha256Hex(-height - 1), blockTimeMs: timeMs },
  };
  const rows = Array.from({ length: RECORDS_EACH }, (_, t): IndexRow => {
    const i = height * RECORDS_EACH + t;
    return {
      ...common,
      collection: 'evidence',
      key: sha256Hex(i + 1e9),
      transaction: t + 1,
      row: 1,
      sender: 'brop1sender',
      nonce: sha256Hex(i + 2e9),
      fields: fieldsOf(i),
    };
  });
  return { height, rows: [own, ...rows] };
}

async function fill(store: IndexThread, records: number, say: (line: string) => void): Promise<number> {
  const begin = performance.now();
  for (let height = 0; height < records / RECORDS_EACH; height++) {
    await store.apply([block(height)]);
    if (height % 400 === 399)
      say(`${(height + 1) * RECORDS_EACH} records, ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  }
  return records / ((performance.now() - begin) / 1_000);
}

type Kind = readonly [name: string, query: () => Omit<RecordQuery, 'collection' | 'limit'>];

/** Each with other values every time. */
function kinds(records: number): readonly Kind[] {
  const some = (below: number) => Math.floor(Math.random() * below);
  const heights = records / RECORDS_EACH;
  const any = () => some(records);
  return [
    ['subject=', () => ({ where: [`subject=lot ${some(SUBJECTS)}`] })],
    ['digest=', () => ({ where: [`digest=sha-256:${sha256Hex(any())}`] })],
    ['registrant=', () => ({ where: [`registrant=brop1registrant${some(REGISTRANTS)}`] })],
    ['mediaType=, newest first', () => ({ where: ['mediaType=image/png'], sort: '-height' })],
    ['attribute range', () => ({ where: [`attributes.weight_g>=${some(1_000_000)}`] })],
    ['prefix', () => ({ where: [`subject^=lot ${1 + some(9)}`] })],
    [
      'set',
      () => ({
        where: [`subject=${JSON.stringify([some(SUBJECTS), some(SUBJECTS), some(SUBJECTS)].map((n) => `lot ${n}`))}`],
      }),
    ],
    [
      'registrant= and heights',
      () => ({ where: [`registrant=brop1registrant${some(REGISTRANTS)}`, `height>=${some(heights)}`] }),
    ],
    [
      'registrant= and time',
      () => ({ where: [`registrant=brop1registrant${some(REGISTRANTS)}`, `timeMs>=${1_000 * some(heights)}`] }),
    ],
    ['two equalities', () => ({ where: [`subject=lot ${some(SUBJECTS)}`, 'attributes.country=cn'] })],
    ['subject= by an attribute', () => ({ where: [`subject=lot ${some(SUBJECTS)}`], sort: '-attributes.weight_g' })],
    ['all by an attribute', () => ({ where: [], sort: 'attributes.weight_g' })],
    ['all by time', () => ({ where: [`height>=${some(heights)}`], sort: 'height' })],
    ['subject= with count', () => ({ where: [`subject=lot ${some(SUBJECTS)}`], count: true })],
  ];
}

async function ask(store: IndexThread, query: Omit<RecordQuery, 'collection' | 'limit'>): Promise<RecordPage> {
  const page = await store.search({ collection: 'evidence', limit: PAGE, ...query });
  if ('code' in page) throw new Error(`${page.code}: ${page.detail}`);
  return page;
}

async function times(store: IndexThread, query: Kind[1]): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    const begin = performance.now();
    await ask(store, query());
    taken.push(performance.now() - begin);
  }
  return taken;
}

/** The first pages of a list and those a thousand pages on, asked for in turn, so that the machine is the same for both. */
async function depth(store: IndexThread, say: (line: string) => void): Promise<number> {
  const where = ['attributes.country=cn'];
  const cursors: (string | undefined)[] = [undefined];
  while (cursors.length < DEEP_PAGES + TIMES) {
    const { next } = await ask(store, { where, cursor: cursors.at(-1) });
    if (next === null) break;
    cursors.push(next);
  }
  const taken: Record<'first' | 'deep', number[]> = { first: [], deep: [] };
  for (let i = 0; i < TIMES; i++) {
    for (const [place, cursor] of [
      ['first', cursors[i % 100]],
      ['deep', cursors.at(-1 - (i % 100))],
    ] as const) {
      const begin = performance.now();
      await ask(store, { where, cursor });
      taken[place].push(performance.now() - begin);
    }
  }
  const [first, deep] = [percentile(taken.first, 0.5), percentile(taken.deep, 0.5)];
  say(`first pages: ${first.toFixed(2)} ms, pages before ${cursors.length}: ${deep.toFixed(2)} ms`);
  return deep / first;
}
