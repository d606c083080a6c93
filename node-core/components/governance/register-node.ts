/** governance.registerNode and unregisterNode: a participant says which nodes are its own. */
import { refusal } from '../../chain/codes.ts';
import {
  MAX_NODES,
  REGISTER_NODE,
  type RegisterNode,
  registerNodeBody,
  UNREGISTER_NODE,
  type UnregisterNode,
  unregisterNodeBody,
} from '../../chain/operations/register-node.ts';
import { stateKey } from '../../chain/state-keys.ts';
import { decodeValidatorSet } from '../../chain/validator-set.ts';
import { equal } from '../../codec/bytes.ts';
import { spkiHash } from '../../crypto/keys.ts';
import type { PublicKey } from '../../crypto/provider.ts';
import { accountOfNode, encodeNode, encodeNodes, nodesOf } from '../../ledger/nodes.ts';
import type { OperationContext, OperationType } from '../../ledger/operation-type.ts';
import { pendingSetIn } from '../../ledger/validators.ts';

export const registerNode: OperationType<RegisterNode> = {
  type: REGISTER_NODE,
  clause: 'governance',
  body: registerNodeBody,

  /** The key, and the account's list. */
  stateEntries: () => 2,

  check: (context, { nodeKey }) => {
    const { crypto, state, genesis, sender } = context;
    if (votingKeysOf(context).some((key) => equal(spkiHash(crypto, key), nodeKey)))
      return refusal('KEY_IN_USE', 'it signs votes');
    const owner = accountOfNode(state, genesis, nodeKey);
    if (owner !== undefined && !equal(owner, sender)) return refusal('NODE_TAKEN');
    const own = nodesOf(state, sender);
    const isNew = !own.some((key) => equal(key, nodeKey));
    return isNew && own.length >= MAX_NODES ? refusal('NODES_FULL', `${MAX_NODES} nodes`) : null;
  },

  apply: ({ state, sender }, { nodeKey, noteKey }, effects) => {
    const others = nodesOf(state, sender).filter((key) => !equal(key, nodeKey));
    effects.set(stateKey.node(nodeKey), encodeNode([sender, noteKey ?? null]));
    effects.set(stateKey.nodes(sender), encodeNodes([...others, nodeKey]));
    effects.emit(
      'governance.nodeRegistered',
      new Map([
        ['node', nodeKey],
        ['account', sender],
      ]),
    );
  },
};

/** Consensus keys of the sender, in the set in force and in the one that waits for its height. */
function votingKeysOf({ crypto, state, validators, sender }: OperationContext): readonly PublicKey[] {
  const pending = pendingSetIn(state);
  const sets = pending === null ? [validators] : [validators, decodeValidatorSet(crypto, pending.bytes)];
  return sets.flatMap((set) => set.validators.filter(({ id }) => equal(id, sender)).flatMap(({ keys }) => keys));
}

export const unregisterNode: OperationType<UnregisterNode> = {
  type: UNREGISTER_NODE,
  clause: 'governance',
  body: unregisterNodeBody,

  stateEntries: () => 2,

  check: ({ state, genesis, sender }, { nodeKey }) => {
    const owner = accountOfNode(state, genesis, nodeKey);
    return owner !== undefined && equal(owner, sender) ? null : refusal('NODE_UNKNOWN');
  },

  apply: ({ state, sender }, { nodeKey }, effects) => {
    effects.set(stateKey.node(nodeKey), encodeNode(null));
    effects.set(stateKey.nodes(sender), encodeNodes(nodesOf(state, sender).filter((key) => !equal(key, nodeKey))));
    effects.emit(
      'governance.nodeUnregistered',
      new Map([
        ['node', nodeKey],
        ['account', sender],
      ]),
    );
  },
};
