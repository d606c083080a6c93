/** Proofs in files or from a pipe: read with a bound, in either form. */
import { BropError } from '../node-core/chain/codes.ts';
import { PROOF_LIMITS } from '../node-core/chain/receipt.ts';
import { proofFromJson } from '../node-core/chain/receipt-json.ts';
import { readInput, readWhole } from './files.ts';
import { type RecordPage, readPage } from './record-page.ts';

/** The JSON form is hexadecimal, and says some of it twice. */
const MAX_FILE_BYTES = 16 * PROOF_LIMITS.maxBytes;
/** A hundred rows, each with the receipt of a transaction of full length. */
const MAX_PAGE_BYTES = 64 << 20;
const BRACE = 0x7b;

/** The CBOR form, whichever form the file has; it is not verified. @throws {BropError} FILE_UNREADABLE, PROOF_FORM */
export async function readProof(path: string): Promise<Uint8Array> {
  return proofOf(await readWhole(path, MAX_FILE_BYTES));
}

/** A proof, or a page of records with their receipts. @param path `-`: standard input. @throws as readProof */
export async function readProofOrPage(path: string): Promise<Uint8Array | RecordPage> {
  const bytes = path === '-' ? await readInput(MAX_PAGE_BYTES) : await readWhole(path, MAX_PAGE_BYTES);
  const page = pageOf(bytes);
  if (page !== undefined) return page;
  if (bytes.length > MAX_FILE_BYTES)
    throw new BropError('FILE_UNREADABLE', `${path}: ${bytes.length} bytes, at most ${MAX_FILE_BYTES} are read`);
  return proofOf(bytes);
}

function pageOf(bytes: Uint8Array): RecordPage | undefined {
  if (bytes[0] !== BRACE) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  return typeof value === 'object' && value !== null && 'records' in value ? readPage(value) : undefined;
}

function proofOf(bytes: Uint8Array): Uint8Array {
  // A CBOR map begins with 0xa0 to 0xbb; a JSON object with a brace.
  if (bytes[0] !== BRACE) return bytes;
  const outcome = proofFromJson(Buffer.from(bytes).toString('utf8'));
  if (outcome instanceof Uint8Array) return outcome;
  throw new BropError('PROOF_FORM', outcome.detail);
}
