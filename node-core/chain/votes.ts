/**
 * The exact bytes of votes and proposals. A precommit for a block is a COSE Receipt signature (RFC 9942) over the log
 * root; prevotes and nil votes have another type and no verifiable data structure, so that none passes for a receipt.
 */
import { accountIdToText } from '../codec/account-id.ts';
import { toHex } from '../codec/bytes.ts';
import { encode } from '../codec/cbor.ts';
import { signatureStructure } from '../crypto/cose.ts';
import { coseAlgorithm, keyId } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import type { AccountId } from './identifiers.ts';
import { encodeProtectedHeader, MESSAGE_TYPE, VDS_RFC9162_SHA256 } from './protected-header.ts';

export interface BlockReference {
  readonly headerHash: Uint8Array;
  readonly logRoot: Uint8Array;
}

export interface VoteScope {
  readonly chain: Uint8Array;
  readonly protocolVersion: number;
  readonly height: number;
  readonly round: number;
  readonly validator: AccountId;
  readonly key: PublicKey;
}

const EMPTY = new Uint8Array(0);

/** CWT subject of receipts: which log this is. */
export function logName(chain: Uint8Array): string {
  return `brop:${toHex(chain)}`;
}

export function voteProtectedHeader(
  crypto: CryptoProvider,
  type: 'prevote' | 'precommit',
  scope: VoteScope,
  block: BlockReference | null,
): Uint8Array {
  const nilOrBlock = block === null ? MESSAGE_TYPE.precommitNil : MESSAGE_TYPE.precommit;
  return encodeProtectedHeader({
    ...common(crypto, scope),
    type: type === 'prevote' ? MESSAGE_TYPE.prevote : nilOrBlock,
    ...(block !== null && { headerHash: block.headerHash }),
    ...(block !== null && type === 'precommit' && { verifiableDataStructure: VDS_RFC9162_SHA256 }),
  });
}

/** What a validator signs for a vote; `block` null is a vote for nil. The payload is the log root, for nil empty. */
export function voteMessage(
  crypto: CryptoProvider,
  type: 'prevote' | 'precommit',
  scope: VoteScope,
  block: BlockReference | null,
): Uint8Array {
  return signatureStructure(voteProtectedHeader(crypto, type, scope, block), block?.logRoot ?? EMPTY);
}

export function proposalMessage(
  crypto: CryptoProvider,
  scope: VoteScope,
  block: BlockReference,
  validRound: number,
): Uint8Array {
  const header = encodeProtectedHeader({
    ...common(crypto, scope),
    type: MESSAGE_TYPE.proposal,
    headerHash: block.headerHash,
  });
  return signatureStructure(header, encode([validRound, block.logRoot]));
}

function common(crypto: CryptoProvider, scope: VoteScope) {
  return {
    algorithm: coseAlgorithm(scope.key.suite),
    keyId: keyId(crypto, scope.key),
    issuer: accountIdToText(scope.validator),
    subject: logName(scope.chain),
    chain: scope.chain,
    protocolVersion: scope.protocolVersion,
    height: scope.height,
    round: scope.round,
  };
}
