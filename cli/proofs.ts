/** Proofs in files: read with a bound, in either form. */
import { BropError } from '../node-core/chain/codes.ts';
import { PROOF_LIMITS } from '../node-core/chain/receipt.ts';
import { proofFromJson } from '../node-core/chain/receipt-json.ts';
import { readWhole } from './files.ts';

/** The JSON form is hexadecimal, and says some of it twice. */
const MAX_FILE_BYTES = 16 * PROOF_LIMITS.maxBytes;

/** The CBOR form, whichever form the file has; it is not verified. @throws {BropError} FILE_UNREADABLE, PROOF_FORM */
export async function readProof(path: string): Promise<Uint8Array> {
  const bytes = await readWhole(path, MAX_FILE_BYTES);
  // A CBOR map begins with 0xa0 to 0xbb; a JSON object with a brace.
  if (bytes[0] !== 0x7b) return bytes;
  const outcome = proofFromJson(Buffer.from(bytes).toString('utf8'));
  if (outcome instanceof Uint8Array) return outcome;
  throw new BropError('PROOF_FORM', outcome.detail);
}
