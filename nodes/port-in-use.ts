/** A taken port is the one start-up error that people meet daily: it gets its own code and names the port. */
import { BropError } from '../node-core/chain/codes.ts';

/** A host that is not ours, or a port that needs rights. */
const CONFIG_ERRORS = ['EACCES', 'EADDRNOTAVAIL', 'EAI_AGAIN', 'ENOTFOUND'];

/** @throws {BropError} PORT_IN_USE or CONFIG_INVALID; `what` says which. */
export async function startOrExplain(start: () => Promise<void>, what: string): Promise<void> {
  try {
    await start();
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EADDRINUSE') throw new BropError('PORT_IN_USE', what, { cause: error });
    if (code !== undefined && CONFIG_ERRORS.includes(code)) {
      throw new BropError('CONFIG_INVALID', `${what}: cannot listen there: ${code}.`, { cause: error });
    }
    throw error;
  }
}

/** Of the error itself or the nearest of its causes. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : errorCode(error.cause);
}
