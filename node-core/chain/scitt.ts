/**
 * A receipt as a SCITT Transparent Statement (RFC 9943 §7): the transaction, which is a Signed Statement, with one COSE
 * Receipt (RFC 9942 §4.3) for each validator that signed. Any COSE library can check each of them; only together, as
 * more than two thirds of the power over one (height, round, header hash), are they finality.
 */
import { type CborMap, type CborValue, encode } from '../codec/cbor.ts';
import { decodeSign1, encodeSign1 } from '../crypto/cose.ts';
import { label } from '../crypto/cose-labels.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { formRefusal } from './anchor.ts';
import { BropError } from './codes.ts';
import { headerHash } from './identifiers.ts';
import { decodeReceipt, type Receipt, type ReceiptFacts, verifyReceipt } from './receipt.ts';
import { voteProtectedHeader } from './votes.ts';

/** RFC 9942 §5.2.1: the label of inclusion proofs in `vdp`. */
const INCLUSION_PROOFS = -1;

/**
 * The transparent statement of the transaction that a receipt is for. Validator-set changes and the block's result
 * have no place in it: keep the receipt, it proves more.
 * @throws {BropError} when the receipt does not hold together, or its transaction was rejected and so is in no log.
 */
export function transparentStatement(crypto: CryptoProvider, receiptBytes: Uint8Array): Uint8Array {
  const facts = selfConsistent(crypto, receiptBytes);
  const { protectedBytes, payload, signature } = decodeSign1(facts.transaction.bytes);
  const unprotected: CborMap = new Map([[label.receipts, coseReceipts(crypto, facts)]]);
  return encodeSign1({ protectedBytes, unprotected, payload, signature });
}

/** Whether this is the chain that somebody trusts is for the reader of the statement, who knows the validators' keys. */
function selfConsistent(crypto: CryptoProvider, receiptBytes: Uint8Array): ReceiptFacts {
  const facts = verifyReceipt(crypto, receiptBytes, crypto.hash('sha-256', parsed(receiptBytes).genesis));
  if ('code' in facts) throw new BropError(facts.code, facts.detail);
  if (facts.receipt.inLog === null) throw new BropError('PROOF_REJECTED', `code ${facts.result[0]}`);
  return facts;
}

function parsed(receiptBytes: Uint8Array): Receipt {
  try {
    return decodeReceipt(receiptBytes);
  } catch (error) {
    const { code, detail } = formRefusal(error);
    throw new BropError(code, detail);
  }
}

/** RFC 9942 §5.2.1: the signature is over the root, detached (§4.4), so that a verifier must compute it from the path. */
function coseReceipts(crypto: CryptoProvider, { receipt, trusted, result }: ReceiptFacts): CborValue {
  const { header, validators } = trusted;
  const { chain, protocolVersion, height, logRoot } = header;
  const block = { headerHash: headerHash(crypto, receipt.header), logRoot };
  const inclusion = encode([header.logSize, result[3], receipt.inLog ?? []]);
  const [round, signatures] = receipt.certificate;
  return signatures.map(([index, keyIndex, signature]) => {
    const { id: validator, keys } = validators.validators[index]!;
    const scope = { chain, protocolVersion, height, round, validator, key: keys[keyIndex]! };
    return encodeSign1({
      protectedBytes: voteProtectedHeader(crypto, 'precommit', scope, block),
      unprotected: new Map([[label.vdp, new Map([[INCLUSION_PROOFS, [inclusion]]])]]),
      payload: null,
      signature,
    });
  });
}
