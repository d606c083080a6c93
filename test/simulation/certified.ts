/** Blocks with the precommits of all validators, as they travel between nodes. */
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { encodeBlock } from '../../node-core/chain/block.ts';
import type { Certificate } from '../../node-core/chain/certificate.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { commitSchema } from '../../node-core/chain/stored-block.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import { voteMessage } from '../../node-core/chain/votes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import type { Executor } from '../../node-core/runtime/executor.ts';
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

/** Round 0, signed by all of the genesis' set unless it is said by whom. */
export function certificateOf(
  { genesis, validators }: Consortium,
  executed: ExecutedBlock,
  signers: readonly number[] = validators.map((_, index) => index),
): Certificate {
  return certificateBy(
    genesis,
    executed,
    signers.map((index) => ({ index, validator: genesis.validators.validators[index]!, key: validators[index]! })),
  );
}

export interface Precommitter {
  readonly index: number;
  readonly validator: Validator;
  /** Its primary. */
  readonly key: KeyPair;
}

/** Round 0, signed by members of any set. */
export function certificateBy(
  { hash: chain }: Genesis,
  { header, headerHash }: ExecutedBlock,
  signers: readonly Precommitter[],
): Certificate {
  const { height, logRoot } = header;
  const signatures = signers.map(({ index, validator: { id, keys }, key }) => {
    const scope = { chain, protocolVersion: 1, height, round: 0, validator: id, key: keys[0] };
    const message = voteMessage(crypto, 'precommit', scope, { headerHash, logRoot });
    return [index, 0, signWith(key, message)] as const;
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
