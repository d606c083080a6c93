import { createRoute, z } from '@hono/zod-openapi';
import { originOfRecord } from '../../node-core/chain/identifiers.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { accountIdParameter, hexParameter } from '../schemas.ts';
import { proofContent, proofResponse, STATE_PROOF_TYPE } from '../views/proof.ts';

const KEY_PATTERN = '^([0-9a-f]{2}){1,511}$';
const MAX_SUBJECT_BYTES = 256;

const query = z.strictObject({
  key: z
    .string()
    .regex(new RegExp(KEY_PATTERN), 'not 1 to 511 bytes in lower-case hexadecimal')
    .transform(fromHex)
    .optional()
    .openapi({ type: 'string', pattern: KEY_PATTERN, description: 'The state key itself.' }),
  account: accountIdParameter.optional().openapi({ description: 'The record of this account.' }),
  record: hexParameter(32, 'The entry of the transaction that has left the record with this ID.').optional(),
  subject: z
    .string()
    .min(1)
    .refine(
      (text) => new TextEncoder().encode(text).length <= MAX_SUBJECT_BYTES,
      `more than ${MAX_SUBJECT_BYTES} bytes`,
    )
    .optional()
    .openapi({ description: 'With `registrant`: count and head of this subject.' }),
  registrant: accountIdParameter.optional().openapi({ description: 'Account that registers under the subject.' }),
});

const route = createRoute({
  method: 'get',
  path: '/v1/state-proof',
  operationId: 'getStateProof',
  tags: ['chain'],
  summary: 'Proof that a state key has a value, or none, at the newest height',
  description: 'Exactly one of `key`, `account`, `record`, or `subject` with `registrant`. Absence is proven too: 200.',
  request: { query },
  responses: {
    200: { description: 'The state proof', content: proofContent(STATE_PROOF_TYPE) },
    304: { description: 'The client has it' },
    ...problems(404, 406),
  },
});

export function getStateProof(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const proof = orProblem(await chain.stateProof(keyOf(c.req.valid('query'))));
    return proofResponse(c, crypto, proof, STATE_PROOF_TYPE, NO_STORE);
  });
}

function keyOf({ key, account, record, subject, registrant }: z.output<typeof query>): Uint8Array {
  const forms: Uint8Array[] = [];
  if (key !== undefined) forms.push(key);
  if (account !== undefined) forms.push(stateKey.account(account));
  if (record !== undefined) forms.push(stateKey.transaction(originOfRecord(record).stem));
  if (subject !== undefined && registrant !== undefined) forms.push(stateKey.subject(registrant, subject));
  const [only] = forms;
  const halfSubject = (subject === undefined) !== (registrant === undefined);
  if (only !== undefined && forms.length === 1 && !halfSubject) return only;
  throw new ProblemError('BAD_REQUEST', {
    detail: 'give exactly one of key, account, record, or subject with registrant',
  });
}
