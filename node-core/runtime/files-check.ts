/**
 * Verifies a whole chain that lies there as plain files (docs/spec/files.md), with no node and no network, trusting the
 * genesis hash alone. Each byte of each file counts: what does not follow from the genesis hash, certificates and blocks
 * is compared with what does. A wrong file is named; one that does not belong to the chain too.
 */
import { type Anchor, type TrustedHeader, verifyAnchor } from '../chain/anchor.ts';
import { ANCHOR_FILE_LIMITS, decodeAnchorFile } from '../chain/anchor-file.ts';
import { verifyCertificate } from '../chain/certificate.ts';
import { checkpointOrigin, decodeCheckpoint } from '../chain/checkpoint.ts';
import { MAX_BUNDLE_BYTES } from '../chain/entries.ts';
import {
  ANCHOR_PATH,
  bundlePaths,
  CHECKPOINT_KEY_PATH,
  CHECKPOINT_PATH,
  GENESIS_PATH,
  hashTilePaths,
  segmentPaths,
  segmentsUpTo,
} from '../chain/file-paths.ts';
import { headerHash } from '../chain/identifiers.ts';
import { firstHeightOf, segmentPath, segmentRows } from '../chain/segment.ts';
import { decodeNoteKey, encodeNoteKey, MAX_NOTE_BYTES, type NoteKey, verifyNote } from '../chain/signed-note.ts';
import { chunkPath, hasChunk, manifestPath, SNAPSHOT_INDEX, stateHashOf } from '../chain/snapshot.ts';
import { belongsToHeader, decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import { decodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { equal, toHex } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import { LogFrontier, leafHash } from '../crypto/merkle-log.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ChainFiles } from '../ports/chain-files.ts';
import { StoreError } from '../ports/key-value-store.ts';
import { leavesOf } from './log-entries.ts';
import { LogFiles } from './log-files.ts';
import { checkSnapshot, readIndex, readManifest } from './snapshot-read.ts';

export interface WrongFile {
  readonly path: string;
  readonly what: string;
}

export interface FilesCheckParts {
  readonly crypto: CryptoProvider;
  readonly files: ChainFiles;
  /** Every path there is, also of what is no file of a chain. */
  readonly paths: readonly string[];
  readonly genesisHash: Uint8Array;
  /** Who must have signed the checkpoint; without it, the key that lies beside it. */
  readonly noteKey?: NoteKey | undefined;
  /** Executes the next block, and says what is wrong when its state root or its results are not what comes out. */
  readonly execute?: (block: StoredBlock) => Promise<string | null>;
  readonly progress?: (height: number, target: number) => void;
}

export interface CheckedFiles {
  readonly height: number;
  readonly logSize: number;
  readonly transactions: number;
  /** Heights of the snapshots that are there and hold. */
  readonly snapshots: readonly number[];
  /** null when there is no checkpoint. */
  readonly checkpointKey: NoteKey | null;
  /** Empty when all holds. */
  readonly wrong: readonly WrongFile[];
}

export function checkFiles(parts: FilesCheckParts): Promise<CheckedFiles> {
  return new FilesCheck(parts).run();
}

/** A file is wrong, and without it no other can be judged. */
class Unjudgeable extends Error {}

class FilesCheck {
  private readonly parts: FilesCheckParts;
  private readonly files: ChainFiles;
  private readonly there: ReadonlySet<string>;
  private readonly expected = new Set<string>();
  private readonly wrong: WrongFile[] = [];
  private readonly sha256 = (bytes: Uint8Array) => this.parts.crypto.hash('sha-256', bytes);
  private readonly log = new LogFiles(this.sha256);
  private height = 0;
  private logSize = 0;
  private transactions = 0;
  private snapshots: readonly number[] = [];
  private checkpointKey: NoteKey | null = null;
  /** Headers at the heights of snapshots. */
  private readonly headers = new Map<number, Uint8Array>();

  constructor(parts: FilesCheckParts) {
    this.parts = parts;
    this.there = new Set(parts.paths);
    this.files = { read: (path, options) => this.read(path, options) };
  }

  async run(): Promise<CheckedFiles> {
    try {
      const genesis = await this.genesis();
      const { anchor, trusted } = await this.anchor(genesis);
      this.expectFiles(trusted);
      await this.readSnapshots();
      await this.blocks(anchor, trusted);
      for (const file of this.log.rest()) await this.compare(file.path, file.bytes);
      await this.checkSnapshots();
      await this.checkpoint(anchor, trusted);
    } catch (error) {
      if (!(error instanceof Unjudgeable)) throw error;
    }
    const { height, logSize, transactions, snapshots, checkpointKey, wrong } = this;
    return { height, logSize, transactions, snapshots, checkpointKey, wrong };
  }

  /** What cannot be read, or is longer than it may be, is a wrong file too. */
  private async read(path: string, options: Parameters<ChainFiles['read']>[1]): Promise<Uint8Array | undefined> {
    try {
      return await this.parts.files.read(path, options);
    } catch (error) {
      if (error instanceof StoreError) return this.unjudgeable(path, error.message);
      throw error;
    }
  }

  private fault(path: string, what: string): void {
    this.wrong.push({ path, what });
  }

  private unjudgeable(path: string, what: string): never {
    this.fault(path, what);
    throw new Unjudgeable();
  }

  private async mustRead(path: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.files.read(path, { maxBytes });
    return bytes ?? this.unjudgeable(path, 'is missing');
  }

  private async genesis(): Promise<Uint8Array> {
    const bytes = await this.mustRead(GENESIS_PATH, 1_000_000);
    const hash = this.sha256(bytes);
    if (equal(hash, this.parts.genesisHash)) return bytes;
    return this.unjudgeable(GENESIS_PATH, `has the hash ${toHex(hash)}: damaged, or the genesis of another chain`);
  }

  private async anchor(genesis: Uint8Array): Promise<{ readonly anchor: Anchor; readonly trusted: TrustedHeader }> {
    const { crypto, genesisHash } = this.parts;
    const bytes = await this.mustRead(ANCHOR_PATH, ANCHOR_FILE_LIMITS.maxBytes);
    const anchor = this.decoding(ANCHOR_PATH, () => decodeAnchorFile(bytes));
    if (!equal(anchor.genesis, genesis)) return this.unjudgeable(ANCHOR_PATH, 'is of another chain');
    const trusted = verifyAnchor(crypto, anchor, genesisHash);
    return 'code' in trusted
      ? this.unjudgeable(ANCHOR_PATH, `${trusted.code} ${trusted.detail ?? ''}`.trim())
      : { anchor, trusted };
  }

  private decoding<T>(path: string, decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (error instanceof CodecError) return this.unjudgeable(path, error.message);
      throw error;
    }
  }

  /** What must be there, and what is there and has no place in this chain. */
  private expectFiles({ header }: TrustedHeader): void {
    const paths = [...segmentPaths(header.height), ...hashTilePaths(header.logSize), ...bundlePaths(header.logSize)];
    for (const path of [GENESIS_PATH, ANCHOR_PATH, ...paths]) this.expected.add(path);
    for (const path of [CHECKPOINT_PATH, CHECKPOINT_KEY_PATH]) if (this.there.has(path)) this.expected.add(path);
  }

  private async readSnapshots(): Promise<void> {
    const { files } = this;
    if (!this.there.has(SNAPSHOT_INDEX)) return this.unknownFiles();
    this.expected.add(SNAPSHOT_INDEX);
    const heights = await readIndex(files);
    if ('code' in heights) this.fault(SNAPSHOT_INDEX, heights.detail ?? heights.code);
    else this.snapshots = heights;
    for (const height of this.snapshots) await this.expectSnapshot(height);
    return this.unknownFiles();
  }

  private async expectSnapshot(height: number): Promise<void> {
    const { files } = this;
    const { crypto, genesisHash } = this.parts;
    const path = manifestPath(height);
    if (!this.there.has(path)) {
      // One of the two is wrong, and nothing says which.
      this.fault(SNAPSHOT_INDEX, `names ${path}, which is not there`);
      this.fault(path, 'is missing, as the index says');
      return;
    }
    this.expected.add(path);
    const snapshot = await readManifest(crypto, files, height, genesisHash);
    if ('code' in snapshot) return;
    this.headers.set(height, snapshot.anchor.header);
    const hash = stateHashOf(crypto, snapshot.trusted);
    for (const part of snapshot.parts.filter(hasChunk)) this.expected.add(chunkPath(hash, part.subtree));
  }

  private unknownFiles(): void {
    const unnamed = this.parts.paths.filter((path) => !this.expected.has(path));
    for (const path of unnamed) {
      const isManifest = /^snapshots\/\d+$/.test(path) && this.there.has(SNAPSHOT_INDEX);
      if (isManifest) this.fault(SNAPSHOT_INDEX, `does not name ${path}`);
      this.fault(path, 'is no file of this chain up to its anchor');
    }
  }

  private async blocks(anchor: Anchor, { header: last, genesis }: TrustedHeader): Promise<void> {
    const { files } = this;
    const { crypto, progress = () => {} } = this.parts;
    let frontier = LogFrontier.empty(this.sha256);
    const append = async (leaves: readonly Uint8Array[]) => {
      frontier = frontier.append(leaves.map((leaf) => leafHash(this.sha256, leaf)));
      for (const leaf of leaves) for (const file of this.log.add(leaf)) await this.compare(file.path, file.bytes);
    };
    await append([genesis.bytes]);
    const walk: Walk = { parent: genesis.hash, timeMs: genesis.document.timeMs, set: genesis.validators, anchor };
    for (const { index, count } of segmentsUpTo(last.height)) {
      const path = segmentPath(index, count);
      try {
        for await (const { height, row } of segmentRows(files, index, count)) {
          const block = decodeStoredBlock(...row);
          const wrong = this.blockFault(walk, block, height) ?? (await this.parts.execute?.(block)) ?? null;
          if (wrong !== null) return this.unjudgeable(path, `block ${height} ${wrong}`);
          await append(leavesOf(block));
          if (frontier.size !== block.header.logSize || !equal(frontier.root(), block.header.logRoot)) {
            return this.unjudgeable(path, `block ${height} has another log than its transactions give`);
          }
          this.advance(walk, block, last.height);
          progress(height, last.height);
        }
      } catch (error) {
        if (error instanceof CodecError) return this.unjudgeable(path, error.message);
        throw error;
      }
      // Rows that end early are a fault of the file, none at all are no file.
      if (this.height < firstHeightOf(index)) return this.unjudgeable(path, 'is missing');
    }
    if (!equal(headerHash(crypto, anchor.header), walk.parent)) {
      this.fault(ANCHOR_PATH, `is not of block ${last.height} of this chain`);
    }
  }

  /** What is wrong with the next block, apart from what it does. */
  private blockFault(walk: Walk, block: StoredBlock, height: number): string | null {
    const { crypto, genesisHash } = this.parts;
    const { header, headerBytes, certificate } = block;
    if (header.height !== height) return `is block ${header.height}`;
    if (!equal(header.chain, genesisHash)) return 'is of another chain';
    if (!equal(header.parent, walk.parent)) return 'does not follow the block before it';
    if (header.timeMs <= walk.timeMs) return 'is not later than the block before it';
    if (!equal(header.validatorsHash, walk.set.hash)) return 'names another validator set than is in force';
    const refused = verifyCertificate(crypto, walk.set, header, headerBytes, certificate);
    if (refused !== null) return `has no valid certificate: ${refused.detail ?? refused.code}`;
    if (!belongsToHeader(crypto, block)) return 'has transactions or results that are not its own';
    const kept = this.headers.get(height);
    if (kept !== undefined && !equal(kept, headerBytes)) this.fault(manifestPath(height), 'is of another block');
    return null;
  }

  private advance(walk: Walk, { header, headerBytes, transactions }: StoredBlock, target: number): void {
    walk.parent = headerHash(this.parts.crypto, headerBytes);
    walk.timeMs = header.timeMs;
    this.height = header.height;
    this.logSize = header.logSize;
    this.transactions += transactions.length;
    // The change of the newest block is of no use yet, and no part of its anchor.
    if (equal(header.nextValidatorsHash, walk.set.hash) || header.height === target) return;
    const change = walk.anchor.setChanges.find(([bytes]) => equal(bytes, headerBytes));
    if (change === undefined) this.unjudgeable(ANCHOR_PATH, `lacks the set change of block ${header.height}`);
    // Its hash was compared with the header when the anchor was verified.
    walk.set = decodeValidatorSet(this.parts.crypto, change[2]);
  }

  private async compare(path: string, bytes: Uint8Array): Promise<void> {
    const found = await this.files.read(path, { maxBytes: MAX_BUNDLE_BYTES + 1 });
    if (found === undefined) this.fault(path, 'is missing');
    else if (!equal(found, bytes)) this.fault(path, 'does not hold what the blocks give');
  }

  private async checkSnapshots(): Promise<void> {
    const { files } = this;
    const { crypto, genesisHash } = this.parts;
    for (const height of this.snapshots) {
      if (!this.there.has(manifestPath(height))) continue;
      if (height > this.height) this.fault(manifestPath(height), `is of a height after ${this.height}`);
      const { wrong } = await checkSnapshot(crypto, files, height, genesisHash);
      for (const { path, refusal } of wrong) this.fault(path, refusal.detail ?? refusal.code);
    }
  }

  private async checkpoint(anchor: Anchor, { header }: TrustedHeader): Promise<void> {
    const { crypto, genesisHash, noteKey } = this.parts;
    const [hasNote, hasKey] = [CHECKPOINT_PATH, CHECKPOINT_KEY_PATH].map((path) => this.there.has(path));
    if (!hasNote && !hasKey) {
      if (noteKey !== undefined) this.fault(CHECKPOINT_PATH, 'is missing');
      return;
    }
    if (!hasNote) return this.fault(CHECKPOINT_PATH, 'is missing, though its key is there');
    if (!hasKey) return this.fault(CHECKPOINT_KEY_PATH, 'is missing, though there is a checkpoint');
    const keyBytes = await this.mustRead(CHECKPOINT_KEY_PATH, 1_024);
    const key = this.decoding(CHECKPOINT_KEY_PATH, () => readKey(crypto, keyBytes, genesisHash));
    if (noteKey !== undefined && encodeNoteKey(crypto, key) !== encodeNoteKey(crypto, noteKey)) {
      return this.fault(CHECKPOINT_KEY_PATH, 'is not the note key that was given');
    }
    const bytes = await this.mustRead(CHECKPOINT_PATH, MAX_NOTE_BYTES);
    const { checkpoint, note } = this.decoding(CHECKPOINT_PATH, () => decodeCheckpoint(bytes));
    const isOfAnchor =
      equal(checkpoint.genesisHash, genesisHash) &&
      checkpoint.height === header.height &&
      checkpoint.size === header.logSize &&
      equal(checkpoint.root, header.logRoot) &&
      equal(checkpoint.headerHash, headerHash(crypto, anchor.header));
    if (!isOfAnchor) return this.fault(CHECKPOINT_PATH, 'is not of the block of the anchor');
    // A signature of somebody else could be altered without anybody noticing.
    if (note.signatures.length !== 1) return this.fault(CHECKPOINT_PATH, 'has other signatures than that of its key');
    const refused = verifyNote(crypto, note, [key]);
    if (refused !== null) return this.fault(CHECKPOINT_PATH, refused.detail ?? refused.code);
    this.checkpointKey = key;
  }
}

/** How far the chain has been walked. */
interface Walk {
  parent: Uint8Array;
  timeMs: number;
  set: ValidatorSet;
  readonly anchor: Anchor;
}

function readKey(crypto: CryptoProvider, bytes: Uint8Array, genesisHash: Uint8Array): NoteKey {
  const text = new TextDecoder('utf-8').decode(bytes);
  if (!text.endsWith('\n')) throw new CodecError('malformed', 'does not end with a newline');
  const key = decodeNoteKey(crypto, text.slice(0, -1));
  if (key.name !== checkpointOrigin(genesisHash)) throw new CodecError('schema', 'is the key of another chain');
  return key;
}
