/** Registers files through the SDK and keeps their receipts. */
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { openKeyFile } from '../adapters/signer-file/signer-file.ts';
import { toHex } from '../node-core/codec/bytes.ts';
import type { HashAlgorithm } from '../node-core/crypto/provider.ts';
import { createClient, type Register } from '../sdk/index.ts';
import { ExitError, exit } from './exit-codes.ts';
import { type HashedFile, hashFile, labelOf, mediaTypeOf, type NewFile, newFile } from './files.ts';
import type { Profile } from './home.ts';
import { inParallel } from './progress.ts';

const HASHES_AT_ONCE = 8;

export interface Registered {
  readonly name: string;
  readonly file: string;
  readonly receiptFile: string;
  readonly height: number;
  readonly timeMs: number;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
  readonly signatures: number;
  readonly validators: number;
  readonly sender: string;
  readonly nonce: string;
}

export interface NamedFile {
  readonly file: string;
  readonly name: string;
  readonly receiptFile: string;
}

/** What the record says beside the digests. */
export type About = Pick<Register, 'subject' | 'schema' | 'attributes'>;

export interface RegisterOptions {
  readonly about?: About;
  readonly algorithms?: readonly HashAlgorithm[];
}

/** Is told which file was left out, and why. */
export type Failed = (file: string, error: unknown) => void;

type Ready = NamedFile & Pick<HashedFile, 'digests'> & { readonly target: NewFile };
type Summary = Pick<Registered, 'height' | 'timeMs' | 'signatures' | 'validators' | 'nonce'>;

export class Registrar {
  private readonly client: ReturnType<typeof createClient>;
  private readonly account: string;

  constructor({ keyFile, ...who }: Profile) {
    this.account = who.account;
    this.client = createClient({ ...who, signer: openKeyFile(keyFile), crypto: nativeCrypto });
  }

  /** Registers one file; the receipt is verified by the SDK before it is written. */
  async register(file: string, name: string, receiptFile: string, options: RegisterOptions = {}): Promise<Registered> {
    const { digests, sizeBytes } = await hashFile(file, options.algorithms ?? ['sha-256']);
    const body = { digests, mediaType: mediaTypeOf(file), sizeBytes, ...options.about };
    const target = newFile(receiptFile);
    try {
      const { receipt, summary } = await this.client.evidence.register(body, { label: labelOf(name, 256) });
      return this.keep({ file, name, receiptFile, digests, target }, receipt, summary);
    } finally {
      target.discard();
    }
  }

  /** Registers many files by one transaction; each gets a receipt of its own. Files that cannot be read are left out. */
  async registerBatch(files: readonly NamedFile[], options: RegisterOptions, left: Failed): Promise<Registered[]> {
    const rows = await inParallel(files, HASHES_AT_ONCE, async (named) => {
      try {
        const { digests } = await hashFile(named.file, options.algorithms ?? ['sha-256']);
        return { ...named, digests, target: newFile(named.receiptFile) };
      } catch (error) {
        left(named.file, error);
        return null;
      }
    });
    const readable = rows.filter((row) => row !== null);
    if (readable.length === 0) return [];
    try {
      const batch = this.client.newBatch();
      for (const { digests } of readable) batch.add(digests);
      const label = `batch of ${readable.length}`;
      const { receiptOf, summary } = await this.client.evidence.registerBatch(batch, options.about ?? {}, { label });
      return readable.map((row, i) => this.keep(row, receiptOf(i), summary));
    } finally {
      for (const { target } of readable) target.discard();
    }
  }

  private keep({ file, name, receiptFile, digests, target }: Ready, receipt: Uint8Array, summary: Summary): Registered {
    const { height, timeMs, signatures, validators, nonce } = summary;
    const sender = this.account;
    try {
      target.write(receipt);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new ExitError(
        exit.failure,
        `it is registered, in block ${height}, but ${problem}; fetch the receipt with: brop receipt ${sender} ${nonce}`,
      );
    }
    const digest = toHex(digests.get('sha-256') ?? [...digests.values()][0]!);
    return { name, file, receiptFile, height, timeMs, digest, signatures, validators, sender, nonce };
  }
}
