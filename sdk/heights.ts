/**
 * From seconds to heights. Expiry is counted in heights, and blocks come at most a block interval apart but as fast as
 * the minimum interval under load: the same time is 20 heights on an idle chain and thousands on a busy one.
 */
import { BropError } from '../node-core/chain/codes.ts';
import { equal, fromHex } from '../node-core/codec/bytes.ts';
import type { Http } from './http.ts';

export interface ChainStatus {
  readonly genesisHash: string;
  readonly name: string;
  readonly protocolVersion: number;
  readonly height: number;
  /** Time of the newest block, ms. */
  readonly timeMs: number;
  readonly expiryWindow: number;
  readonly blockIntervalMs: number;
}

/** How far back the rate is observed when this client has not watched the chain yet. */
const LOOK_BACK = 50;
/** Observations older than this many heights say little about now. */
const KEEP = 1_000;
/** The next block may be on its way already, and a node may be a block behind another. */
const MIN_AHEAD = 3;

interface Sample {
  readonly height: number;
  readonly timeMs: number;
}

export class Heights {
  private readonly http: Http;
  private readonly genesisHash: Uint8Array;
  private samples: Sample[] = [];

  constructor(http: Http, genesisHash: Uint8Array) {
    this.http = http;
    this.genesisHash = genesisHash;
  }

  /** Read anew each time. @throws {BropError} PROOF_GENESIS when the node is of another chain. */
  async status(signal?: AbortSignal): Promise<ChainStatus> {
    const status = await this.http.json<ChainStatus>('/v1/status', { signal });
    const { genesisHash, height, timeMs, expiryWindow, blockIntervalMs } = status;
    const numbers = [height, timeMs, expiryWindow, blockIntervalMs];
    if (typeof genesisHash !== 'string' || !numbers.every(Number.isSafeInteger)) {
      throw new BropError('NODE_UNREACHABLE', 'the answer is not the status of a node');
    }
    if (!/^[0-9a-f]{64}$/.test(genesisHash) || !equal(fromHex(genesisHash), this.genesisHash)) {
      throw new BropError('PROOF_GENESIS', 'the node is of another chain');
    }
    return status;
  }

  /** The expiry height of something signed now that is to be packed within `ms`. */
  async expiryAfter(ms: number, signal?: AbortSignal): Promise<number> {
    const status = await this.status(signal);
    const { height, timeMs, expiryWindow } = status;
    await this.lookBack(status, signal);
    this.observe({ height, timeMs });
    const heights = Math.ceil(ms / this.msPerBlock(status));
    return height + Math.min(Math.max(heights, MIN_AHEAD), expiryWindow);
  }

  /**
   * The observed mean; never above the block interval, so that a pause of the chain does not make expiries short.
   * Blocks of a burst lie close together: then the expiry is far in heights, and near enough in time.
   */
  private msPerBlock({ blockIntervalMs }: ChainStatus): number {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (first === undefined || last === undefined || last.height === first.height) return blockIntervalMs;
    const observed = (last.timeMs - first.timeMs) / (last.height - first.height);
    return Math.min(Math.max(observed, 1), blockIntervalMs);
  }

  private observe(sample: Sample): void {
    const last = this.samples.at(-1);
    if (last !== undefined && sample.height <= last.height) return;
    this.samples = [...this.samples.filter(({ height }) => height >= sample.height - KEEP), sample].slice(-LOOK_BACK);
  }

  /** One block from a while ago, once: it is final, and its time never changes. */
  private async lookBack({ height }: ChainStatus, signal: AbortSignal | undefined): Promise<void> {
    if (this.samples.length > 0 || height < 2) return;
    const at = Math.max(1, height - LOOK_BACK);
    try {
      const { timeMs } = await this.http.json<{ readonly timeMs: number }>(`/v1/blocks/${at}`, { signal });
      if (Number.isSafeInteger(timeMs)) this.observe({ height: at, timeMs });
    } catch (error) {
      // A node that keeps no old blocks: the block interval does until the next signature.
      if (!(error instanceof BropError)) throw error;
    }
  }
}
