/** A page of records, each against its own receipt. */
import { base64urlnopad } from '@scure/base';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { type Refusal, refusal } from '../node-core/chain/codes.ts';
import { verifyRow } from '../node-core/middleware/query/proven-row.ts';
import type { RecordPage } from './record-page.ts';

export interface VerifiedRecords {
  readonly rows: number;
  readonly chain: string;
  /** Of the newest row. */
  readonly height: number;
}

/** The first row that does not hold gives the code. A page without rows proves nothing, and so does not hold. */
export function verifyRecords({ records }: RecordPage, genesisHash: Uint8Array): VerifiedRecords | Refusal {
  let [chain, height] = ['', 0];
  for (const [i, { receipt, ...row }] of records.entries()) {
    const bytes = receiptBytes(receipt);
    if (bytes === undefined) return refusal('PROOF_FORM', `row ${i} comes without a receipt: ask for it with --proof`);
    const facts = verifyRow(nativeCrypto, row, bytes, genesisHash);
    if ('code' in facts) return refusal(facts.code, `row ${i}: ${facts.detail ?? row.key}`);
    chain = facts.trusted.genesis.document.name;
    height = Math.max(height, row.height);
  }
  return records.length === 0 ? refusal('PROOF_FORM', 'no rows') : { rows: records.length, chain, height };
}

function receiptBytes(text: string | null | undefined): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return base64urlnopad.decode(text);
  } catch {
    return undefined;
  }
}
