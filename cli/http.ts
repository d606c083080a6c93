/** Plain requests of the CLI to a node; the SDK does everything that is signed. */
import { BropError, codeName } from '../node-core/chain/codes.ts';

/** @throws {BropError} NODE_UNREACHABLE, or the code of the problem that the node answers with. */
export async function get(url: string, path: string, accept = 'application/json'): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url), { headers: { accept } });
  } catch (error) {
    throw new BropError('NODE_UNREACHABLE', url, { cause: error });
  }
  return answerOf(response);
}

/** The whole body of a success. @throws {BropError} the code of the problem that it is otherwise */
export async function answerOf(response: Response): Promise<Uint8Array> {
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.ok) return body;
  throw problemOf(body, response.status);
}

export async function getJson(url: string, path: string): Promise<Record<string, unknown>> {
  return JSON.parse(Buffer.from(await get(url, path)).toString('utf8')) as Record<string, unknown>;
}

/** An RFC 9457 problem as an error. */
function problemOf(body: Uint8Array, status: number): BropError {
  try {
    const problem = JSON.parse(Buffer.from(body).toString('utf8')) as {
      readonly code?: unknown;
      readonly detail?: unknown;
    };
    const name = typeof problem.code === 'number' ? codeName(problem.code) : undefined;
    if (name !== undefined) return new BropError(name, typeof problem.detail === 'string' ? problem.detail : undefined);
  } catch {
    // Not a problem document: the status says what there is to say.
  }
  return new BropError('INTERNAL', `the node answered ${status}.`);
}
