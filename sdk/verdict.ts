/** What verification says, in plain values that a page can show and JSON can hold. */
import type { AccountKind } from '../node-core/chain/account.ts';
import type { TrustedHeader } from '../node-core/chain/anchor.ts';
import { CODES, type CodeName, codeName, type Refusal } from '../node-core/chain/codes.ts';
import { recordId } from '../node-core/chain/identifiers.ts';
import { REGISTER, REGISTER_BATCH } from '../node-core/chain/operations/evidence.ts';
import { candidatesOf, type ReceiptFacts } from '../node-core/chain/receipt.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { toHex } from '../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';

export interface Refused {
  readonly ok: false;
  readonly code: CodeName;
  readonly number: number;
  /** What the code means, for people. */
  readonly text: string;
  readonly detail?: string;
}

export type Verdict<T> = ({ readonly ok: true } & T) | Refused;

/** Where in which chain the proof stands. Hashes are hexadecimal. */
export interface Place {
  readonly chain: { readonly name: string; readonly genesisHash: string };
  readonly height: number;
  /** Time of the block by its proposer's clock, ISO 8601 in UTC. */
  readonly when: string;
  readonly timeMs: number;
}

export interface ReceiptSummary extends Place {
  readonly who: {
    /** brop1… */
    readonly account: string;
    readonly kind: AccountKind;
    readonly name: string | null;
    /** The legal document in force for the sender at that moment. */
    readonly legal: { readonly version: string; readonly digest: string } | null;
  };
  readonly what: {
    readonly label: string;
    /** `record` is the ID of the evidence record that the operation made. */
    readonly operations: readonly { readonly type: string; readonly record: string | null }[];
    /** Digests by algorithm of each file that the receipt speaks of. */
    readonly files: readonly Readonly<Record<string, string>>[];
  };
  readonly nonce: string;
  /** 0: applied. Otherwise the number of the rejection. */
  readonly code: number;
  readonly codeName: CodeName | null;
  readonly logIndex: number | null;
  /** How many of how many validators signed, and with what power. */
  readonly signatures: number;
  readonly validators: number;
  readonly power: number;
  readonly totalPower: number;
}

export function refused({ code, detail }: Refusal): Refused {
  const { number, text } = CODES[code];
  return { ok: false, code, number, text, ...(detail !== undefined && { detail }) };
}

export function placeOf({ genesis, header }: TrustedHeader): Place {
  const { height, timeMs } = header;
  const chain = { name: genesis.document.name, genesisHash: toHex(genesis.hash) };
  return { chain, height, when: new Date(timeMs).toISOString(), timeMs };
}

export function summaryOf(crypto: CryptoProvider, facts: ReceiptFacts): ReceiptSummary {
  const { receipt, trusted, transaction, sender, result } = facts;
  const [code, , , logIndex] = result;
  const signers = receipt.certificate[1];
  const { validators, totalPower } = trusted.validators;
  return {
    ...placeOf(trusted),
    who: {
      account: accountIdToText(transaction.sender),
      kind: sender.kind,
      name: sender.name ?? null,
      legal: sender.legal === undefined ? null : { version: sender.legal.version, digest: toHex(sender.legal.digest) },
    },
    what: {
      label: transaction.label,
      operations: transaction.operations.map(({ type }, i) => ({
        type,
        record: code === 0 ? recordOf(crypto, facts, type, i) : null,
      })),
      files: candidatesOf(facts).map((file) =>
        Object.fromEntries([...file].map(([name, digest]) => [name, toHex(digest)])),
      ),
    },
    nonce: toHex(transaction.nonce),
    code,
    codeName: codeName(code) ?? null,
    logIndex,
    signatures: signers.length,
    validators: validators.length,
    power: signers.reduce((sum, [index]) => sum + validators[index]!.power, 0),
    totalPower,
  };
}

function recordOf(
  crypto: CryptoProvider,
  { transaction }: ReceiptFacts,
  type: string,
  operation: number,
): string | null {
  if (type !== REGISTER && type !== REGISTER_BATCH) return null;
  return toHex(recordId(crypto, transaction, operation));
}
