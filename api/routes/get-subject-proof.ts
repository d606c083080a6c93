import { createRoute, z } from '@hono/zod-openapi';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { accountIdParameter, uintParameter } from '../schemas.ts';
import { proofContent, proofResponse, SUBJECT_PROOF_TYPE } from '../views/proof.ts';

const MAX_SUBJECT_BYTES = 256;

const route = createRoute({
  method: 'get',
  path: '/v1/subject-proof',
  operationId: 'getSubjectProof',
  tags: ['records'],
  summary: 'All records of a subject between two heights, proven complete',
  description:
    'The state numbers and links the records of a subject and keeps count and head: the file walks back from the head ' +
    'over every record to the beginning of the range.',
  request: {
    query: z.strictObject({
      registrant: accountIdParameter.openapi({ description: 'Account that registers under the subject.' }),
      subject: z
        .string()
        .min(1)
        .refine(
          (text) => new TextEncoder().encode(text).length <= MAX_SUBJECT_BYTES,
          `more than ${MAX_SUBJECT_BYTES} bytes`,
        ),
      from: uintParameter.default(0).openapi({ description: 'First height, 0 without one.' }),
      to: uintParameter.optional().openapi({ description: 'Last height; the newest without one.' }),
    }),
  },
  responses: {
    200: { description: 'The proof', content: proofContent(SUBJECT_PROOF_TYPE) },
    304: { description: 'The client has it' },
    ...problems(404, 406, 422),
  },
});

export function getSubjectProof(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { registrant, subject, from, to } = c.req.valid('query');
    const last = to ?? (await chain.status()).height;
    if (from > last) throw new ProblemError('BAD_REQUEST', { detail: 'query.from: after the end of the range' });
    const proof = orProblem(await chain.subjectProof(registrant, subject, from, last));
    return proofResponse(c, crypto, proof, SUBJECT_PROOF_TYPE, NO_STORE);
  });
}
