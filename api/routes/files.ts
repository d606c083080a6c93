import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { isImmutable, MAX_PATH_CHARACTERS, parseChainPath } from '../../node-core/chain/file-paths.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import type { PublishedFiles } from '../../node-core/ports/chain-files.ts';
import { entityTag, IMMUTABLE, isKnown } from '../http/caching.ts';
import { fileStream } from '../http/file-stream.ts';
import { type Span, spanOf } from '../http/range.ts';
import { Slots } from '../http/slots.ts';
import type { Api, ApiEnv, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { binary } from '../schemas.ts';
import { asBody } from '../views/proof.ts';

const PATH_PATTERN = '^[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*$';
const PATH = new RegExp(PATH_PATTERN);

/** Up to here a file is read whole and its tag is the digest of it. */
const SMALL_BYTES = 1 << 20;
const TEXTS: ReadonlySet<string> = new Set(['checkpoint', 'checkpointKey', 'snapshotIndex']);
/** Caches may keep it, and ask each time whether it is still so. */
const REVALIDATE = 'no-cache';

const route = createRoute({
  method: 'get',
  path: '/files/{path}',
  operationId: 'getFile',
  tags: ['chain'],
  summary: 'The chain as plain files',
  description:
    'Checkpoint, tiles of the log, segments of blocks, snapshots: docs/spec/files.md. A path has several parts. One range ' +
    'of bytes may be asked for. Whoever reads them verifies them; nothing has to be believed.',
  request: {
    params: z.object({
      path: z.string().openapi({
        description: 'Path of the file; slashes stay as they are.',
        pattern: PATH_PATTERN,
        example: 'checkpoint',
      }),
    }),
  },
  responses: {
    200: {
      description: 'The file',
      content: { 'application/octet-stream': { schema: binary }, 'text/plain': { schema: z.string() } },
    },
    206: { description: 'The range', content: { 'application/octet-stream': { schema: binary } } },
    304: { description: 'The client has it' },
    ...problems(404, 416),
  },
});

/** Paths with slashes are more than the route of the document can say to the router. */
export function files(app: Api, parts: ApiParts): void {
  const { files: published, limits } = parts;
  const slots = new Slots(limits.maxFiles, limits.maxFilesOfOne);
  // Nothing of the content is known before it is read: no other process gives out the same tag.
  const instance = globalThis.crypto.randomUUID();
  app.openAPIRegistry.registerPath(route);
  app.get('/files/:path{.+}', async (c) => {
    const path = c.req.param('path');
    if (path.length > MAX_PATH_CHARACTERS || !PATH.test(path)) {
      throw new ProblemError('BAD_REQUEST', { detail: 'param.path: not the path of a chain file' });
    }
    const release = slots.take(c.env?.remoteAddress);
    if (release === null) throw new ProblemError('TOO_MANY_REQUESTS', { detail: 'files at the same time' });
    let streams = false;
    try {
      const opened = published === undefined ? undefined : await open(parts, published, path, instance);
      if (opened === undefined) throw new ProblemError('NOT_FOUND', { detail: 'there is no such file' });
      const { status, fields, part } = answer(c, opened);
      if (part === null) return c.body(null, status, fields);
      const { offset, length } = part;
      if (opened.whole !== null) return c.body(asBody(opened.whole.subarray(offset, offset + length)), status, fields);
      streams = true;
      return c.body(fileStream(published!, parts.clock, path, part, release), status, fields);
    } finally {
      if (!streams) release();
    }
  });
}

interface Opened {
  readonly size: number;
  readonly tag: string;
  /** null when it is read while it is sent. */
  readonly whole: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

async function open(
  { crypto }: ApiParts,
  published: PublishedFiles,
  path: string,
  instance: string,
): Promise<Opened | undefined> {
  const file = parseChainPath(path);
  if (file === undefined) return undefined;
  const immutable = isImmutable(file);
  const headers = {
    'Content-Type': TEXTS.has(file.kind) ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'Cache-Control': immutable ? IMMUTABLE : REVALIDATE,
    'Accept-Ranges': 'bytes',
  };
  const size = await published.size(path);
  if (size === undefined) return undefined;
  if (immutable && size > SMALL_BYTES) {
    const tag = `"${toHex(crypto.hash('sha-256', utf8(`${instance}/${path}/${size}`))).slice(0, 32)}"`;
    return { size, tag, whole: null, headers };
  }
  const whole = await published.read(path);
  return whole && { size: whole.length, tag: entityTag(crypto, whole), whole, headers };
}

type Answer = { readonly fields: Record<string, string> } & (
  | { readonly status: 200 | 206; readonly part: Span }
  /** There is no body. */
  | { readonly status: 200 | 206 | 304; readonly part: null }
);

/** @throws {ProblemError} 416 */
function answer(c: Context<ApiEnv>, { size, tag, headers }: Opened): Answer {
  if (isKnown(c.req.header('If-None-Match'), tag)) {
    return { status: 304, fields: { ETag: tag, 'Cache-Control': headers['Cache-Control']! }, part: null };
  }
  const fields: Record<string, string> = { ...headers, ETag: tag };
  const condition = c.req.header('If-Range');
  const span = condition === undefined || condition === tag ? spanOf(c.req.header('Range'), size) : undefined;
  if (span === 'unsatisfiable') {
    const options = { status: 416, detail: `the file has ${size} bytes` } as const;
    throw new ProblemError('BAD_REQUEST', { ...options, headers: { 'Content-Range': `bytes */${size}` } });
  }
  const part = span ?? { offset: 0, length: size };
  fields['Content-Length'] = String(part.length);
  if (span !== undefined) fields['Content-Range'] = `bytes ${part.offset}-${part.offset + part.length - 1}/${size}`;
  return { status: span === undefined ? 200 : 206, fields, part: c.req.method === 'HEAD' ? null : part };
}
