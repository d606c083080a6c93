/**
 * The chain as functions know it: what is final out of the ledger table, whether or not a node lives; everything else from
 * the follower that writes it.
 */
import type { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { BropError, refusal } from '../../node-core/chain/codes.ts';
import { decodeTransaction } from '../../node-core/chain/transaction.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import type { Upstream } from './upstream.ts';

/** The gateway ends a request after 29 s; a client that wants to wait longer asks again. */
const MAX_WAIT_MS = 20_000;
/** From a block's being final at the follower to its being in the table, with much room. */
const COPIED_WITHIN_MS = 3_000;

export function cloudChain(ledger: LedgerReader, upstream: Upstream): ChainAccess {
  const { genesis } = ledger;
  const { protocolVersion } = genesis.document;
  return {
    genesis: genesis.bytes,
    status: () => ledger.status(),
    submit: async (transaction) => {
      const outcome = await upstream.submit(transaction);
      if (outcome !== 'final') return outcome;
      // Refused as a node refuses it: whoever asks then finds it where it is final.
      const packed = decodeTransaction(transaction, genesis.hash, protocolVersion);
      if (!('code' in packed)) await ledger.waitFinal(packed.sender, packed.nonce, COPIED_WITHIN_MS);
      return refusal('NONCE_USED');
    },
    submitAll: (transactions) => upstream.submitAll(transactions),
    waitFinal: (sender, nonce, timeoutMs) => ledger.waitFinal(sender, nonce, Math.min(timeoutMs, MAX_WAIT_MS)),
    transaction: async (sender, nonce) => {
      const found = await ledger.transaction(sender, nonce);
      if (found !== undefined) return found;
      const asked = await upstream.pending(sender, nonce);
      if (asked.status !== 'final') return asked;
      await ledger.waitFinal(sender, nonce, COPIED_WITHIN_MS);
      const copied = await ledger.transaction(sender, nonce);
      if (copied === undefined) throw new BropError('NOT_SYNCED', 'it is final, and not in the ledger table yet');
      return copied;
    },
    receipt: (sender, nonce) => ledger.receipt(sender, nonce),
    expiryCertificate: (sender, nonce, expiry) => upstream.expiryCertificate(sender, nonce, expiry),
    stateProof: (key) => upstream.stateProof(key),
    subjectProof: (registrant, subject, from, to) => upstream.subjectProof(registrant, subject, from, to),
    equivocations: () => upstream.equivocations(),
    equivocation: (name) => upstream.equivocation(name),
    block: (height) => ledger.block(height),
    account: (id) => upstream.account(id),
    accountByName: (name) => upstream.accountByName(name),
    quote: (transaction) => upstream.quote(transaction),
  };
}
