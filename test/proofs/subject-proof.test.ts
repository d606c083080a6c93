// "All records of this subject between heights a and b", from real validators: what is left out, added or moved shows.
import { base64urlnopad } from '@scure/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { PROOF_LIMITS } from '../../node-core/chain/receipt.ts';
import { proofFromJson, proofToJson } from '../../node-core/chain/receipt-json.ts';
import {
  encodeSubjectProof,
  type SubjectFacts,
  type SubjectProof,
  subjectProofSchema,
  verifySubjectProof,
} from '../../node-core/chain/subject-proof.ts';
import { accountIdFromText } from '../../node-core/codec/account-id.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { decode } from '../../node-core/codec/cbor.ts';
import { type Client, digestOf, searchRecords, subjectRecords } from '../../sdk/index.ts';
import { RunningChain } from './running-chain.ts';

const SUBJECT = 'lot 7 批次';
const RECORDS = 6;
let chain: RunningChain;
let partner: Client;
let registrant: Uint8Array;
/** Heights of the records, ascending. */
let heights: readonly number[];

beforeAll(async () => {
  chain = await RunningChain.start({ expiryWindow: 20_000, nonceRetention: 100_000 });
  partner = await chain.partner();
  for (let i = 0; i < RECORDS; i++) {
    const { summary } = await partner.evidence.register({
      digests: await digestOf(utf8(`file ${i}`)),
      subject: SUBJECT,
    });
    registrant = accountIdFromText(summary.who.account);
    await partner.evidence.register({ digests: await digestOf(utf8(`other ${i}`)), subject: 'lot 8' });
  }
  heights = held(await proof(0)).records.map(({ record }) => record.height);
}, 60_000);

afterAll(() => chain.stop());

/** From a height to the newest, or to one. */
async function proof(from: number, to?: number, subject = SUBJECT): Promise<Uint8Array> {
  const { height } = await chain.queries.status();
  const bytes = await chain.queries.subjectProof(registrant, subject, from, to ?? height);
  if ('code' in bytes) throw new Error(bytes.code);
  return bytes;
}

function held(bytes: Uint8Array): SubjectFacts {
  const facts = verifySubjectProof(crypto, bytes, chain.genesisHash);
  if ('code' in facts) throw new Error(`${facts.code}: ${facts.detail}`);
  return facts;
}

/** The same file with a part changed. */
function changed(bytes: Uint8Array, change: (file: SubjectProof) => Partial<SubjectProof>): Uint8Array {
  const file = subjectProofSchema.decode(decode(bytes, PROOF_LIMITS), '');
  return encodeSubjectProof({ ...file, ...change(file) });
}

describe('all records of a subject', () => {
  it('come in their order, with nothing but the genesis hash trusted', async () => {
    const facts = held(await proof(0));
    expect(facts).toMatchObject({ subject: SUBJECT, registrant, count: RECORDS, from: 0 });
    expect(facts.records.map(({ record }) => record.sequence)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('between two heights are those, whatever lies before and after', async () => {
    for (const [first, last] of [
      [0, 5],
      [1, 3],
      [2, 2],
      [4, 5],
      [5, 5],
    ] as const) {
      const facts = held(await proof(heights[first]!, heights[last]!));
      expect(facts.records.map(({ record }) => record.height)).toEqual(heights.slice(first, last + 1));
    }
  });

  it('where there are none are none', async () => {
    expect(held(await proof(0, heights[0]! - 1)).records).toEqual([]);
    const { height } = await chain.queries.status();
    if (height > heights.at(-1)!) expect(held(await proof(heights.at(-1)! + 1)).records).toEqual([]);
    expect(held(await proof(0, undefined, 'never heard of'))).toMatchObject({ records: [], count: 0 });
  });

  it('have a JSON form without loss', async () => {
    const bytes = await proof(heights[1]!, heights[3]!);
    expect(proofFromJson(proofToJson(bytes))).toEqual(bytes);
  });

  it('above the newest height are not to be had yet', async () => {
    const { height } = await chain.queries.status();
    expect(await chain.queries.subjectProof(registrant, SUBJECT, 0, height + 100)).toMatchObject({
      code: 'HEIGHT_NOT_REACHED',
    });
  });
});

describe('the SDK', () => {
  const source = () => ({ url: 'http://node.test', genesisHash: chain.genesisHash, fetch: chain.fetch, crypto });

  it('gives all records of a subject, verified', async () => {
    const found = await subjectRecords(source(), { registrant, subject: SUBJECT, from: heights[1]!, to: heights[2]! });
    expect(found.records.map(({ record }) => record.sequence)).toEqual([2, 3]);
    expect(verifySubjectProof(crypto, found.proof, chain.genesisHash)).toMatchObject({ count: RECORDS });
  });

  it('does not take the answer to another question, nor one that does not hold', async () => {
    const bytes = await proof(heights[1]!);
    const answering = (body: Uint8Array) => ({
      ...source(),
      fetch: async () => new Response(body as Uint8Array<ArrayBuffer>),
    });
    const ask = (body: Uint8Array, from: number, subject = SUBJECT) =>
      subjectRecords(answering(body), { registrant, subject, from });
    await expect(ask(bytes, heights[1]!)).resolves.toMatchObject({ count: RECORDS });
    await expect(ask(bytes, 0)).rejects.toMatchObject({ code: 'PROOF_INCLUSION' });
    await expect(ask(bytes, heights[1]!, 'lot 8')).rejects.toMatchObject({ code: 'PROOF_INCLUSION' });
    const fewer = changed(bytes, ({ records }) => ({ records: records.slice(1) }));
    await expect(ask(fewer, heights[1]!)).rejects.toMatchObject({ code: 'PROOF_INCLUSION' });
  });

  it('gives rows with their receipts verified, and none whose receipt is of another record', async () => {
    const { receipt, summary } = await partner.evidence.register({ digests: await digestOf(utf8('searched')) });
    const key = summary.what.operations[0]!.record!;
    const row = { collection: 'evidence', key, height: 1, fields: {}, receipt: base64urlnopad.encode(receipt) };
    const asked: string[] = [];
    const giving = (records: readonly object[]) => ({
      ...source(),
      fetch: async (url: string) => {
        asked.push(url);
        return Response.json({ records, next: null, count: null });
      },
    });
    const { records } = await searchRecords(giving([row]), { where: ['subject=a', 'height>=2'], sort: '-height' });
    expect(records[0]!.proof!.summary.what).toEqual(summary.what);
    const asks = new URL(asked[0]!).searchParams;
    expect([asks.getAll('where'), asks.get('sort'), asks.get('proof')]).toEqual([
      ['subject=a', 'height>=2'],
      '-height',
      'true',
    ]);
    const other = { ...row, key: '00'.repeat(32) };
    await expect(searchRecords(giving([other]), {})).rejects.toMatchObject({ code: 'PROOF_INCLUSION' });
    const cut = { ...row, receipt: row.receipt.slice(4) };
    await expect(searchRecords(giving([cut]), {})).rejects.toMatchObject({ code: 'PROOF_FORM' });
  });
});

describe('a proof that was tampered with', () => {
  const changes: Record<string, (file: SubjectProof) => Partial<SubjectProof>> = {
    'without the newest': ({ records }) => ({ records: records.slice(1) }),
    'without one in the middle': ({ records }) => ({ records: records.filter((_, i) => i !== 2) }),
    'without the oldest': ({ records }) => ({ records: records.slice(0, -1) }),
    'without any': () => ({ records: [] }),
    'with one twice': ({ records }) => ({ records: [records[0]!, ...records] }),
    'with one more at the end': ({ records }) => ({ records: [...records, records[0]!] }),
    'in another order': ({ records }) => ({ records: [...records].reverse() }),
    'of another subject': () => ({ subject: utf8('lot 8') }),
    'of another registrant': () => ({ registrant: new Uint8Array(20) }),
    'that says there is no head': ({ head }) => ({ head: [null, head[1]], records: [] }),
    'with a head of its own': ({ head, records }) => ({ head: [records[0]![0].slice(0, 40), head[1]] }),
    'up to a height above its header': () => ({ to: 1_000_000 }),
  };

  it.each(Object.keys(changes))('%s does not hold', async (name) => {
    const bytes = await proof(0);
    const tampered = changed(bytes, changes[name]!);
    expect(verifySubjectProof(crypto, tampered, chain.genesisHash)).toMatchObject({ code: 'PROOF_INCLUSION' });
  });

  it('with a range that begins earlier than it shows does not hold', async () => {
    const bytes = await proof(heights[3]!);
    const tampered = changed(bytes, () => ({ from: heights[2]! }));
    expect(verifySubjectProof(crypto, tampered, chain.genesisHash)).toMatchObject({ code: 'PROOF_INCLUSION' });
  });

  it('of another chain, of another form, or with a range the wrong way round is said to be so', async () => {
    const bytes = await proof(0);
    expect(verifySubjectProof(crypto, bytes, new Uint8Array(32))).toMatchObject({ code: 'PROOF_GENESIS' });
    expect(verifySubjectProof(crypto, bytes.slice(1), chain.genesisHash)).toMatchObject({ code: 'PROOF_FORM' });
    const turned = changed(bytes, () => ({ from: 5, to: 4 }));
    expect(verifySubjectProof(crypto, turned, chain.genesisHash)).toMatchObject({ code: 'PROOF_FORM' });
    const notText = changed(bytes, () => ({ subject: Uint8Array.of(0xff) }));
    expect(verifySubjectProof(crypto, notText, chain.genesisHash)).toMatchObject({ code: 'PROOF_FORM' });
  });
});
