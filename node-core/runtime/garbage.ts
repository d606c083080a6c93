import { CodecError } from '../codec/error.ts';

/** A peer sent what no correct node sends. It ends the connection, never the node. */
export class Garbage extends Error {
  override readonly name = 'Garbage';
}

/** Decodes bytes of a peer. Only what happens in `decode` is the peer's fault; a CodecError elsewhere is our bug. */
export function fromPeer<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError) throw new Garbage(error.message, { cause: error });
    throw error;
  }
}
