/** The registry of node keys. What the genesis says of its validators' nodes holds until the state says otherwise. */
import type { Genesis } from '../chain/genesis.ts';
import { type AccountId, accountId, hash32 } from '../chain/identifiers.ts';
import { MAX_NODES } from '../chain/operations/register-node.ts';
import { stateKey } from '../chain/state-keys.ts';
import { equal } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { array, type Infer, nullable, tuple } from '../codec/schema.ts';
import { publicKey } from '../crypto/keys.ts';
import type { StateReader } from './state.ts';

/** [account, key of its checkpoints]; null: no longer registered. */
const nodeSchema = nullable(tuple(accountId, nullable(publicKey)));
const nodesSchema = array(hash32, { max: MAX_NODES });
type Node = NonNullable<Infer<typeof nodeSchema>>;

/** What the state says: undefined when it has never heard of the key, null when it was taken back. */
export function nodeIn(state: StateReader, nodeKey: Uint8Array): Node | null | undefined {
  const stored = state.get(stateKey.node(nodeKey));
  return stored === undefined ? undefined : nodeSchema.decode(decode(stored), 'node');
}

export function encodeNode(node: Node | null): Uint8Array {
  return encode(nodeSchema.encode(node));
}

/** Whose node has this key: SHA-256 of the SPKI of its TLS key. */
export function accountOfNode(state: StateReader, genesis: Genesis, nodeKey: Uint8Array): AccountId | undefined {
  const node = nodeIn(state, nodeKey);
  if (node !== undefined) return node?.[0];
  const index = genesis.document.validators.findIndex((validator) => equal(validator.nodeKey, nodeKey));
  return genesis.validators.validators[index]?.id;
}

/** Keys that an account has registered by operations, those of the genesis apart. */
export function nodesOf(state: StateReader, account: AccountId): readonly Uint8Array[] {
  const stored = state.get(stateKey.nodes(account));
  return stored === undefined ? [] : nodesSchema.decode(decode(stored), 'nodes');
}

export function encodeNodes(keys: readonly Uint8Array[]): Uint8Array {
  return encode(nodesSchema.encode(keys));
}
