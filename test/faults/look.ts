/** What a node shows of its chain over HTTP. */
import { residentMb } from '../bench/measure.ts';
import type { NodeProcess } from './cluster.ts';

const ANSWER_TIMEOUT_MS = 2_000;

export interface Block {
  readonly height: number;
  readonly hash: string;
  readonly timeMs: number;
  readonly nonces: readonly string[];
  /** All that two nodes must show alike: everything but which precommits each of them holds. */
  readonly text: string;
}

async function get(node: NodeProcess, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(node.apiUrl + path, { headers, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
}

/** undefined when it does not answer, or says that it is in trouble. */
export async function heightOf(node: NodeProcess): Promise<number | undefined> {
  try {
    const answer = await get(node, '/v1/status');
    return answer.ok ? Number(((await answer.json()) as { height: number }).height) : undefined;
  } catch {
    return undefined;
  }
}

/** undefined when it does not answer, has no such block, or says that it is in trouble. */
export async function blockOf(node: NodeProcess, height: number | 'latest'): Promise<Block | undefined> {
  try {
    const answer = await get(node, `/v1/blocks/${height}`);
    if (!answer.ok) return undefined;
    const { certificate: _, ...shown } = (await answer.json()) as ShownBlock;
    const nonces = shown.transactions.map(({ sender, nonce }) => `${sender}/${nonce}`);
    return { height: shown.height, hash: shown.hash, timeMs: shown.timeMs, nonces, text: JSON.stringify(shown) };
  } catch {
    return undefined;
  }
}

interface ShownBlock {
  readonly height: number;
  readonly hash: string;
  readonly timeMs: number;
  readonly certificate: unknown;
  readonly transactions: readonly { readonly sender: string; readonly nonce: string }[];
}

/** undefined when it gives none. `identity` is `<sender>/<nonce>` as blocks show it. */
export async function receiptOf(node: NodeProcess, identity: string): Promise<Uint8Array | undefined> {
  try {
    const accept = 'application/vnd.brop.receipt+cbor';
    const answer = await get(node, `/v1/transactions/${identity}/receipt`, { accept });
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined;
  } catch {
    return undefined;
  }
}

/** Resident memory in MB; 0 when it is not known. */
export function memoryMbOf({ pid }: NodeProcess): number {
  const size = pid === undefined ? 0 : residentMb(pid);
  return Number.isNaN(size) ? 0 : size;
}

/** Blocks from `first` to `last` as this node shows them, in order; undefined for those that it does not. */
export async function blocksOf(node: NodeProcess, first: number, last: number): Promise<(Block | undefined)[]> {
  const blocks: (Block | undefined)[] = [];
  let next = first;
  const worker = async () => {
    for (let height = next++; height <= last; height = next++) {
      blocks[height - first] = (await blockOf(node, height)) ?? (await blockOf(node, height));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return blocks;
}
