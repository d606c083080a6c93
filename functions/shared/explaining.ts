/** What AWS cannot do now is no fault of this program: it becomes code 5007, which the API answers with 503 and Retry-After. */
import { nameOf, passes } from '../../adapters/aws/persistence.ts';
import { BropError } from '../../node-core/chain/codes.ts';

interface Client {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: never) => Promise<never>) => (args: never) => Promise<never>,
      options: { readonly step: 'initialize'; readonly priority: 'high' },
    ): void;
  };
}

/** The same client: what it still throws after its own tries, and would pass by itself, is explained. */
export function explaining<T extends object>(service: string, client: T): T {
  const explain = (next: (args: never) => Promise<never>) => async (args: never) => {
    try {
      return await next(args);
    } catch (error) {
      if (!passes(error)) throw error;
      throw new BropError('NODE_UNREACHABLE', `${service}: ${nameOf(error)}`, { cause: error });
    }
  };
  // Every client of the SDK has a stack of this form, each with types of its own.
  (client as unknown as Client).middlewareStack.add(explain, { step: 'initialize', priority: 'high' });
  return client;
}
