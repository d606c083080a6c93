import type { Signer } from '../../node-core/ports/signer.ts';

/** The same signer, whose signature is there in time or never: a token that hangs has failed. */
export function withTimeLimit(signer: Signer, limitMs: number): Signer {
  return {
    publicKey: signer.publicKey,
    sign: async (message) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no signature within ${limitMs} ms`)), limitMs);
      });
      try {
        return await Promise.race([signer.sign(message), late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
