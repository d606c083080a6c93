/** Blocks with the precommits of all validators, as they travel between nodes. */
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { encodeBlock } from '../../node-core/chain/block.ts';
import type { Certificate } from '../../node-core/chain/certificate.ts';
import { voteMessage } from '../../node-core/chain/votes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import type { Executor } from '../../node-core/runtime/executor.ts';
import { commitSchema } from '../../node-core/runtime/stored-block.ts';
import { type Consortium, signWith } from './fixture.ts';

export interface CertifiedRow {
  readonly executed: ExecutedBlock;
  readonly row: readonly [Uint8Array, Uint8Array];
}

export interface RowChange {
  /** Transactions under the same header that are not its own. */
  readonly transactions?: readonly Uint8Array[];
  /** Indices of those who sign; all without it. */
  readonly signers?: readonly number[];
  /** Index of the proposer; 1 without it, who proposes height 1 in round 0. */
  readonly proposer?: number;
}

export function certifiedRow(
  consortium: Consortium,
  executor: Executor,
  change: RowChange,
  { timeMs }: { readonly timeMs: number },
): CertifiedRow {
  const members = consortium.genesis.validators.validators;
  const executed = executor.build({ timeMs, round: 0, proposer: members[(change.proposer ?? 1) % members.length]!.id });
  const certificate = certificateOf(consortium, executed, change.signers);
  const commit = encode(commitSchema.encode([certificate, executed.results]));
  return { executed, row: [blockBytes(executed, change.transactions), commit] };
}

/** Round 0, signed by all unless it is said by whom. */
export function certificateOf(
  { genesis, validators }: Consortium,
  { header, headerHash }: ExecutedBlock,
  signers: readonly number[] = validators.map((_, index) => index),
): Certificate {
  const signatures = signers.map((index) => {
    const { id, keys } = genesis.validators.validators[index]!;
    const { height, logRoot } = header;
    const scope = { chain: genesis.hash, protocolVersion: 1, height, round: 0, validator: id, key: keys[0] };
    const message = voteMessage(crypto, 'precommit', scope, { headerHash, logRoot });
    return [index, 0, signWith(validators[index]!, message)] as const;
  });
  return [0, signatures];
}

export function blockBytes(
  { header, headerBytes, transactions }: ExecutedBlock,
  others?: readonly Uint8Array[],
): Uint8Array {
  return encodeBlock({
    header,
    headerBytes,
    transactions: others ?? transactions.map(({ transaction }) => transaction.bytes),
  });
}
