/** The port ChainFiles over HTTP: a node's `/files/`, a bucket, a CDN in front of one. */
import type { ByteRange, ChainFiles } from '../../node-core/ports/chain-files.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

export interface HttpFilesOptions {
  /** Where the files are: paths are appended to it. */
  readonly url: string;
  /** For the answer's head, and again for each of its pieces. */
  readonly timeoutMs?: number;
}

export interface HttpFiles extends ChainFiles {
  /** Ends the reads under way; those and all later ones reject. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_MAX_BYTES = 64 << 20;
/** Parts do not begin with a dot, so that none leads up. */
const PATH = /^[a-z0-9_-][a-z0-9._-]*(\/[a-z0-9_-][a-z0-9._-]*)*$/;

/**
 * @throws {RangeError} when the URL is not one of http or https, or has a query, a fragment or a password.
 * @example
 * const files = httpFiles({ url: 'https://node.example/files/' });
 */
export function httpFiles({ url, timeoutMs = DEFAULT_TIMEOUT_MS }: HttpFilesOptions): HttpFiles {
  const base = baseOf(url);
  const closing = new AbortController();
  const read = async (path: string, options: { readonly range?: ByteRange; readonly maxBytes?: number } = {}) => {
    if (!PATH.test(path)) throw new RangeError('not the path of a chain file');
    const { range, maxBytes = DEFAULT_MAX_BYTES } = options;
    if (range?.length === 0) return new Uint8Array(0);
    const patience = new Patience(timeoutMs, closing.signal);
    const target = new URL(path, base);
    try {
      return await readWithin(target, range, maxBytes, patience);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError('io', `${target}: ${reasonOf(error)}`, { cause: error });
    } finally {
      patience.end();
    }
  };
  return { read, close: () => closing.abort(new Error('closed')) };
}

async function readWithin(target: URL, range: ByteRange | undefined, maxBytes: number, patience: Patience) {
  // What is compressed has no ranges, and a small answer may be made huge. A redirect could lead anywhere.
  const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
  if (range !== undefined) headers.Range = `bytes=${range.offset}-${range.offset + range.length - 1}`;
  const response = await fetch(target, { headers, redirect: 'manual', signal: patience.signal });
  const refuse = async (what: string): Promise<never> => {
    await response.body?.cancel();
    throw new StoreError('io', `${target}: ${what}`);
  };
  if (response.status === 404 || response.status === 410) {
    await response.body?.cancel();
    return undefined;
  }
  // The range begins at the file's end, or after it.
  if (response.status === 416 && range !== undefined) {
    await response.body?.cancel();
    return new Uint8Array(0);
  }
  if (response.headers.has('Content-Encoding')) return refuse('it is compressed, though that was not asked for');
  if (range === undefined) {
    return response.status === 200
      ? readBody(response, maxBytes, target, patience)
      : refuse(`status ${response.status}`);
  }
  // A server may answer a range with the whole file (RFC 9110 §14.2); then what is before it is passed over.
  if (response.status === 200) return readSlice(response, range, patience);
  if (response.status !== 206) return refuse(`status ${response.status}`);
  const said = response.headers.get('Content-Range') ?? '';
  const [, first, last] = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/.exec(said) ?? [];
  const length = Number(last) - Number(first) + 1;
  if (Number(first) !== range.offset || !(length >= 1 && length <= range.length)) {
    return refuse(`it answered ${said.slice(0, 60) || 'no range'} to a range of ${range.length} from ${range.offset}`);
  }
  const bytes = await readBody(response, length, target, patience);
  if (bytes.length !== length) throw new StoreError('io', `${target}: ${bytes.length} bytes of ${length} came`);
  return bytes;
}

/** @throws {StoreError} `io` when there are more than `maxBytes`, or fewer than announced. */
async function readBody(response: Response, maxBytes: number, target: URL, patience: Patience): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bodyOf(response)) {
    patience.renew();
    length += chunk.length;
    if (length > maxBytes) throw new StoreError('io', `${target}: longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return joined(chunks, length);
}

/** The range out of a whole file; reads no further than it. */
async function readSlice(response: Response, { offset, length }: ByteRange, patience: Patience): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let [at, taken] = [0, 0];
  for await (const chunk of bodyOf(response)) {
    patience.renew();
    const part = chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + length - at));
    chunks.push(part);
    taken += part.length;
    at += chunk.length;
    if (taken >= length) break;
  }
  return joined(chunks, taken);
}

function bodyOf(response: Response): AsyncIterable<Uint8Array> {
  return (response.body ?? []) as AsyncIterable<Uint8Array>;
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Aborts when nothing has come for so long, or when the source is closed. */
class Patience {
  readonly signal: AbortSignal;
  private readonly timeout = new AbortController();
  private readonly timeoutMs: number;
  private timer: NodeJS.Timeout;

  constructor(timeoutMs: number, closing: AbortSignal) {
    this.timeoutMs = timeoutMs;
    this.signal = AbortSignal.any([this.timeout.signal, closing]);
    this.timer = this.started();
  }

  renew(): void {
    clearTimeout(this.timer);
    this.timer = this.started();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private started(): NodeJS.Timeout {
    return setTimeout(() => this.timeout.abort(new Error(`no answer in ${this.timeoutMs} ms`)), this.timeoutMs);
  }
}

function baseOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.search + url.hash + url.username + url.password !== ''
  ) {
    throw new RangeError('not the URL of a folder of files');
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** The nearest cause that says something: fetch itself only says that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? `${error.code} ${error.message}` : error.message;
}
