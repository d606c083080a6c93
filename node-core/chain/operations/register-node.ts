/** governance.registerNode and unregisterNode: under which keys the nodes of a participant are let in by the others. */

import { CodecError } from '../../codec/error.ts';
import { type Infer, record, type Schema } from '../../codec/schema.ts';
import { publicKey } from '../../crypto/keys.ts';
import type { PublicKey } from '../../crypto/provider.ts';
import { hash32 } from '../identifiers.ts';

export const REGISTER_NODE = 'governance.registerNode';
export const UNREGISTER_NODE = 'governance.unregisterNode';
/** Nodes that one account may have registered at a time. */
export const MAX_NODES = 16;

/** Signs the C2SP checkpoints that the node publishes. */
const noteKey: Schema<PublicKey> = {
  decode: (value, path) => onlyEd25519(publicKey.decode(value, path), path),
  encode: (key) => publicKey.encode(onlyEd25519(key, '')),
};

function onlyEd25519(key: PublicKey, path: string): PublicKey {
  if (key.suite !== 'ed25519') throw new CodecError('schema', 'checkpoints are signed with Ed25519', path);
  return key;
}

/** SHA-256 of the SPKI of the node's TLS key. */
export const registerNodeBody = record({ nodeKey: hash32 }, { noteKey });
export type RegisterNode = Infer<typeof registerNodeBody>;

export const unregisterNodeBody = record({ nodeKey: hash32 });
export type UnregisterNode = Infer<typeof unregisterNodeBody>;
