/**
 * What a node tells of itself through the ports `Metrics` and `Tracing`, of which it may have neither: then nothing
 * here costs more than a call. Spans of a transaction are reported by block, when it is final here.
 */
import type { Certificate } from '../chain/certificate.ts';
import type { Refusal } from '../chain/codes.ts';
import { equal, toHex } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ParsedTransaction } from '../ledger/admission.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Clock } from '../ports/clock.ts';
import type { BlockSource, Metrics, ProposalOutcome } from '../ports/metrics.ts';
import type { Tracing } from '../ports/tracing.ts';
import type { Mempool, Pending } from './mempool.ts';

export interface TelemetryParts {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly mempool: Mempool;
  readonly metrics?: Metrics | undefined;
  readonly tracing?: Tracing | undefined;
}

/** When the transactions of one call went which part of the way, ms. */
export interface AdmissionTimes {
  readonly startMs: number;
  readonly decodedMs: number;
  readonly checkedMs: number;
}

/** When a proposal was executed here. */
interface Execution {
  readonly kind: 'build' | 'judge';
  readonly startMs: number;
  readonly endMs: number;
}

export class Telemetry {
  readonly metrics: Metrics | undefined;
  private readonly parts: TelemetryParts;
  private readonly executions = new WeakMap<ExecutedBlock, Execution>();
  private newestBlockMs: number | null = null;

  constructor(parts: TelemetryParts) {
    this.parts = parts;
    this.metrics = parts.metrics;
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** Outcomes of one call to admit transactions. */
  admitted(
    outcomes: readonly (Refusal | { readonly pending: Pending; readonly isNew: boolean })[],
    { startMs, decodedMs, checkedMs }: AdmissionTimes,
  ): void {
    const { tracing } = this.parts;
    for (const outcome of outcomes) {
      if ('code' in outcome) this.metrics?.count('brop_transactions_refused_total', outcome.code);
      else if (outcome.isNew && tracing !== undefined) {
        const { parsed, arrivedMs } = outcome.pending;
        const digest = toHex(parsed.digest);
        tracing.span(digest, 'admission', startMs, arrivedMs);
        tracing.span(digest, 'admission.decode', startMs, decodedMs);
        tracing.span(digest, 'admission.signature', decodedMs, checkedMs);
      }
    }
  }

  proposal(outcome: ProposalOutcome): void {
    this.metrics?.count('brop_proposals_total', outcome);
  }

  /** A proposal was executed from `startMs` until now. */
  executed(kind: 'build' | 'judge', block: ExecutedBlock, startMs: number): void {
    const endMs = this.now();
    this.metrics?.observe('brop_execution_seconds', kind, endMs - startMs);
    if (kind === 'build') this.proposal('built');
    this.executions.set(block, { kind, startMs, endMs });
  }

  /** A block is final here, its write having begun at `startMs`; the mempool still holds what the block packs. */
  committed(block: ExecutedBlock, certificate: Certificate, source: BlockSource, startMs: number): void {
    const endMs = this.now();
    if (this.metrics !== undefined) this.countBlock(this.metrics, block, source, startMs, endMs);
    if (this.parts.tracing !== undefined) this.trace(this.parts.tracing, block, certificate, startMs, endMs);
  }

  private countBlock(
    metrics: Metrics,
    block: ExecutedBlock,
    source: BlockSource,
    startMs: number,
    endMs: number,
  ): void {
    const { header, results, transactions } = block;
    const applied = results.filter(([code]) => code === 0).length;
    metrics.count('brop_blocks_total', source);
    metrics.count('brop_transactions_total', 'applied', applied);
    metrics.count('brop_transactions_total', 'rejected', results.length - applied);
    metrics.count(
      'brop_operations_total',
      null,
      transactions.reduce((sum, { operations }) => sum + operations.length, 0),
    );
    metrics.observe('brop_commit_seconds', null, endMs - startMs);
    if (this.newestBlockMs !== null) {
      metrics.observe('brop_block_interval_seconds', null, header.timeMs - this.newestBlockMs);
    }
    this.newestBlockMs = header.timeMs;
    const execution = this.executions.get(block);
    if (execution !== undefined) metrics.observe('brop_consensus_seconds', null, startMs - execution.endMs);
  }

  private trace(
    tracing: Tracing,
    block: ExecutedBlock,
    [round, signatures]: Certificate,
    startMs: number,
    endMs: number,
  ): void {
    const { height } = block.header;
    const execution = this.executions.get(block);
    for (const [i, parsed] of block.transactions.entries()) {
      const [code] = block.results[i]!;
      const digest = toHex(parsed.digest);
      const arrivedMs = this.arrivalOf(parsed);
      const attributes = { 'brop.height': height, 'brop.index': i, 'brop.code': code };
      if (arrivedMs !== null) tracing.span(digest, 'mempool', arrivedMs, execution?.startMs ?? startMs);
      if (execution !== undefined) {
        tracing.span(digest, `proposal.${execution.kind}`, execution.startMs, execution.endMs, {
          attributes: { 'brop.height': height, 'brop.round': block.header.round },
        });
        tracing.span(digest, 'consensus', execution.endMs, startMs, {
          attributes: { 'brop.height': height, 'brop.round': round, 'brop.signatures': signatures.length },
        });
      }
      tracing.span(digest, 'commit', startMs, endMs, { attributes });
    }
  }

  /** When a transaction came in here; null when it did only with its block. */
  private arrivalOf({ transaction, digest }: ParsedTransaction): number | null {
    const pending = this.parts.mempool.get(transaction.sender, transaction.nonce);
    // The sender and nonce of a block may be pending here with other bytes.
    return pending !== undefined && equal(pending.parsed.digest, digest) ? pending.arrivedMs : null;
  }
}
