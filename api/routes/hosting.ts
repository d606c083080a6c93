import { createRoute, z } from '@hono/zod-openapi';
import { PERMISSIONS } from '../../node-core/chain/account.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import {
  addressDigest,
  HOSTED_ID_PATTERN,
  isRecordOf,
  MAX_HOSTED_BYTES,
} from '../../node-core/middleware/hosting/hosted-file.ts';
import type { RecordPage } from '../../node-core/middleware/query/query.ts';
import type { HostedFile, Hosting } from '../../node-core/ports/hosting.ts';
import type { Principal } from '../auth/tokens.ts';
import { audited } from '../http/audited.ts';
import { authenticate, needsScope, principalOf } from '../http/authenticate.ts';
import { NO_STORE } from '../http/caching.ts';
import { JSON_TYPE, readJson } from '../http/json-body.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { hexParameter } from '../schemas.ts';
import { hostedFileSchema, hostedFileView, uploadSchema, usageSchema } from '../views/hosted-file.ts';
import { orUnavailable } from './get-records.ts';

const SCOPE = 'hosting:manage';
const MAX_BODY_BYTES = 4_096;
const MEDIA_TYPE_PATTERN = '^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$';

const idParameter = z.object({
  id: z.string().regex(new RegExp(HOSTED_ID_PATTERN), 'not the ID of a file').openapi({ pattern: HOSTED_ID_PATTERN }),
});
const askBody = z
  .strictObject({
    sha256: hexParameter(32, 'SHA-256 digest of the content.'),
    sizeBytes: z
      .int()
      .min(0)
      .openapi({ description: `Its length, at most ${MAX_HOSTED_BYTES}.` }),
    mediaType: z
      .string()
      .max(127)
      .regex(new RegExp(MEDIA_TYPE_PATTERN), 'not a media type in lower case, without parameters')
      .openapi({ pattern: MEDIA_TYPE_PATTERN, example: 'application/pdf' }),
  })
  .openapi('FileToHost');

const json = <S extends z.ZodType>(schema: S) => ({ [JSON_TYPE]: { schema } });
const common = { tags: ['hosting'] };
const own = { ...common, security: needsScope(SCOPE) };

const askRoute = createRoute({
  ...own,
  method: 'post',
  path: '/v1/hosting/files',
  operationId: 'hostFile',
  summary: 'Ask for an upload',
  description:
    'For partners that may register evidence. Answers with the address that the file will have, and a form to post it ' +
    'with: exactly this content is taken. The same file is one file, however often it is asked for. docs/hosting.md.',
  request: { body: { required: true, content: json(askBody) } },
  responses: {
    200: { description: 'It is stored already', content: json(uploadSchema) },
    201: { description: 'Post it', content: json(uploadSchema) },
    ...problems(401, 403, 404, 413, 415),
  },
});
const stateRoute = createRoute({
  ...own,
  method: 'get',
  path: '/v1/hosting/files/{id}/state',
  operationId: 'getHostedFile',
  summary: 'How one of your files is',
  request: { params: idParameter },
  responses: { 200: { description: 'It', content: json(hostedFileSchema) }, ...problems(401, 403, 404) },
});
const usageRoute = createRoute({
  ...own,
  method: 'get',
  path: '/v1/hosting/usage',
  operationId: 'getHostingUsage',
  summary: 'What you host, and what was downloaded',
  responses: { 200: { description: 'The sums', content: json(usageSchema) }, ...problems(401, 403, 404) },
});
const downloadRoute = createRoute({
  ...common,
  method: 'get',
  path: '/v1/hosting/files/{id}',
  operationId: 'downloadHostedFile',
  summary: 'Download a hosted file',
  description:
    'The hosted address of a file. Anybody may, once a record of the chain names this address and the digest of the content.',
  request: { params: idParameter },
  responses: {
    302: { description: 'To a link that holds for five minutes', headers: z.object({ Location: z.string() }) },
    ...problems(404, 503),
  },
});

export function hosting(app: Api, parts: ApiParts): void {
  for (const route of [askRoute, stateRoute, usageRoute, downloadRoute]) app.openAPIRegistry.registerPath(route);
  const guard = authenticate(parts, SCOPE);
  const headers = { 'Cache-Control': NO_STORE };

  app.post(askRoute.getRoutingPath(), guard, audited(parts, 'hosting.ask'), async (c) => {
    const access = hostingOf(parts);
    const wanted = await readJson(c, askBody, MAX_BODY_BYTES);
    if (wanted.sizeBytes > MAX_HOSTED_BYTES)
      throw new ProblemError('HOSTED_FILE_TOO_LARGE', { detail: `at most ${MAX_HOSTED_BYTES} bytes` });
    await assertMayHost(parts, principalOf(c));
    const { file, form } = await access.ask(principalOf(c).accountText, wanted);
    const view = { file: hostedFileView(parts.crypto, file), upload: form && { ...form, fields: { ...form.fields } } };
    return c.json(view, form === null ? 200 : 201, headers);
  });

  app.get(stateRoute.getRoutingPath(), guard, async (c) => {
    const file = await found(parts, c.req.param('id'));
    if (file.account !== principalOf(c).accountText) throw notFound();
    return c.json(hostedFileView(parts.crypto, file), 200, headers);
  });

  app.get(usageRoute.getRoutingPath(), guard, async (c) => {
    const { files, bytes, served } = await hostingOf(parts).usage(principalOf(c).accountText);
    return c.json({ files, bytes, served: [...served] }, 200, headers);
  });

  app.get(downloadRoute.getRoutingPath(), async (c) => {
    const file = await found(parts, c.req.param('id'));
    if (file.state !== 'stored') throw notFound();
    if (!(await isRegistered(parts, file))) throw new ProblemError('HOSTED_FILE_UNREGISTERED');
    // Whatever a client calls its requests, each of them counts.
    const request = c.env?.requestId ?? globalThis.crypto.randomUUID();
    return c.body(null, 302, { ...headers, Location: await hostingOf(parts).link(file, request) });
  });
}

const notFound = () => new ProblemError('NOT_FOUND', { detail: 'there is no such file' });

/** @throws {ProblemError} NOT_FOUND where nothing is hosted */
function hostingOf({ hosting: access }: ApiParts): Hosting {
  if (access === undefined) throw new ProblemError('NOT_FOUND', { detail: 'this node hosts no files' });
  return access;
}

async function found(parts: ApiParts, text: string | undefined): Promise<HostedFile> {
  const access = hostingOf(parts);
  const parsed = idParameter.safeParse({ id: text });
  if (!parsed.success) throw new ProblemError('BAD_REQUEST', { detail: 'param.id: not the ID of a file' });
  const file = await access.find(parsed.data.id);
  if (file === undefined) throw notFound();
  return file;
}

/** Who could never make a file public need not upload it. */
async function assertMayHost({ chain }: ApiParts, { account }: Principal): Promise<void> {
  const [, evidence] = PERMISSIONS;
  const permissions = (await chain.account(account))?.account.permissions ?? [];
  if (!permissions.includes(evidence))
    throw new ProblemError('NOT_PERMITTED', { detail: 'files are hosted for partners that may register evidence' });
}

/** Records that name an address are few: whoever else names it is passed over. */
const MAX_RECORDS = 50;

async function isRegistered({ records, crypto }: ApiParts, file: HostedFile): Promise<boolean> {
  if (records === undefined) throw new ProblemError('INDEX_UNAVAILABLE', { detail: 'this node has no index' });
  const where = [`hosted=${toHex(addressDigest(crypto, file))}`, `registrant=${file.account}`];
  const query = { collection: 'evidence', where, limit: MAX_RECORDS };
  const { rows } = orProblem<RecordPage>(await orUnavailable(records.search(query)));
  return rows.some(({ fields }) => fields !== null && isRecordOf(crypto, file, fields));
}
