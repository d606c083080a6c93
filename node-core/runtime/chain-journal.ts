/**
 * What of the chain goes into the journal (ADR 0026): each proposal before anything is signed for it, each final block
 * before anything is signed above it, both until the block's segment is published. A node whose disk is gone has from there
 * what no file has yet.
 *
 * | name | row |
 * |---|---|
 * | `proposal/<round>/own/<header hash>`, `proposal/<round>/<header hash>` | [timely, message], as in the store |
 * | `block` | [commit, name of the proposal that holds the block or null, the block if no proposal does] |
 *
 * A block that was proposed here is not written twice: it stays in its proposal. No two blocks have one name: a second copy of
 * this validator, which may still write here though it can no longer sign, takes nothing away.
 */
import type { Certificate } from '../chain/certificate.ts';
import { MAX_ROW_BYTES, type Row } from '../chain/segment.ts';
import { encodeCommit, STORED_LIMITS } from '../chain/stored-block.ts';
import { fromHex, toHex } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { bytes, nullable, text, tuple } from '../codec/schema.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Journal } from '../ports/journal.ts';
import { type KeptProposal, proposalIn, proposalValue } from './kept-proposals.ts';
import { decodeMessage } from './messages.ts';
import { blockBytesOf, type ProposalMessage } from './proposals.ts';

const BLOCK = 'block';
const PROPOSAL = /^proposal\/(\d{16})\/(own\/)?([0-9a-f]{64})$/;
const MAX_BYTES = { max: MAX_ROW_BYTES };
const blockSchema = tuple(bytes(MAX_BYTES), nullable(text({ max: 100 })), bytes(MAX_BYTES));
const NO_BYTES = new Uint8Array(0);

export class ChainJournal {
  private readonly journal: Journal;
  /** Names of this height's proposals by the hash of their block's header. */
  private readonly proposed = new Map<string, string>();
  private proposedAt = 0;

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** Durable when it resolves; what is obsolete goes. */
  async keepProposal(proposal: KeptProposal, obsolete: readonly KeptProposal[]): Promise<void> {
    const { height, headerHash } = proposal;
    if (height !== this.proposedAt) this.proposed.clear();
    this.proposedAt = height;
    const name = nameOf(proposal);
    await this.journal.put(height, name, proposalValue(proposal));
    this.proposed.set(toHex(headerHash), name);
    const gone = obsolete.map(nameOf).filter((other) => other !== name);
    for (const [block, other] of this.proposed) if (gone.includes(other)) this.proposed.delete(block);
    if (gone.length > 0) await this.journal.remove(height, gone);
  }

  /** Durable when it resolves. */
  async keepBlock(executed: ExecutedBlock, certificate: Certificate): Promise<void> {
    const { height } = executed.header;
    const name = height === this.proposedAt ? this.proposed.get(toHex(executed.headerHash)) : undefined;
    const block = name === undefined ? blockBytesOf(executed) : NO_BYTES;
    const commit = encodeCommit(certificate, executed.results);
    await this.journal.put(height, BLOCK, encode(blockSchema.encode([commit, name ?? null, block])));
  }

  /** Proposals kept for `height`, in the order of their rounds. @throws {CodecError} when a row is none. */
  async proposals(height: number): Promise<KeptProposal[]> {
    const rows = await this.journal.read(height);
    return [...rows].flatMap(([name, value]) => {
      const [, round, own, block] = PROPOSAL.exec(name) ?? [];
      if (block === undefined) return [];
      const isOwn = own !== undefined;
      return { height, round: Number(round), isOwn, headerHash: fromHex(block), ...proposalIn(value) };
    });
  }

  /** As it was decided, not verified; undefined when it is not here. @throws {CodecError} when a row is none. */
  async block(height: number): Promise<Row | undefined> {
    const rows = await this.journal.read(height);
    const row = rows.get(BLOCK);
    if (row === undefined) return undefined;
    const [commit, name, block] = blockSchema.decode(decode(row, STORED_LIMITS), 'journal');
    if (name === null) return [block, commit];
    const proposal = rows.get(name);
    if (proposal === undefined) throw new CodecError('schema', `the journal lacks ${name} of height ${height}`);
    return [(decodeMessage(proposalIn(proposal).message) as ProposalMessage)[7], commit];
  }
}

function nameOf({ round, isOwn, headerHash }: KeptProposal): string {
  return `proposal/${String(round).padStart(16, '0')}/${isOwn ? 'own/' : ''}${toHex(headerHash)}`;
}
