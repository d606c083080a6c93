/** The table of event types: those of the chain itself, and those that components declare. */
import { always, type EventDeclaration, type EventField } from '../../ledger/event-declaration.ts';
import { COMPONENT_EVENTS } from '../../protocol/events.ts';

const CHAIN_EVENTS: readonly EventDeclaration[] = [
  {
    type: 'block.final',
    description: 'A block is final; it comes after all events of its transactions. 区块已终局。',
    fields: {
      hash: always('hash', 'Header hash.'),
      transactions: { ...always('integer', 'How many it packs.'), filter: false },
      proposer: { ...always('account', 'Who proposed it.'), optional: true },
    },
    subject: [],
  },
  {
    type: 'transaction.final',
    description: 'A transaction is packed in a final block, applied or rejected. 交易已打包并终局。',
    fields: {
      sender: always('account', 'Who sent it.'),
      nonce: always('hash', 'With the sender its identity.'),
      label: always('text', 'What the sender calls it.'),
      code: always('integer', '0 when applied, otherwise the number of the rejection.'),
      applied: always('boolean', 'Whether it has taken effect.'),
      operations: { ...always('text', 'The types of its operations.'), list: true },
      logIndex: { type: 'integer', description: 'Place in the log, when applied.', filter: false, optional: true },
    },
    subject: null,
  },
];

/** In the order in which documents list them. */
export const EVENT_TYPES: readonly EventDeclaration[] = [...CHAIN_EVENTS, ...COMPONENT_EVENTS];

const BY_TYPE = new Map(EVENT_TYPES.map((declaration) => [declaration.type, declaration]));

export function declarationOf(type: string): EventDeclaration | undefined {
  return BY_TYPE.get(type);
}

/** The field as the type declares it; one under its open prefix is text, a number or a boolean, and may be missing. */
export function fieldOf({ fields, open }: EventDeclaration, name: string): EventField | 'open' | undefined {
  if (Object.hasOwn(fields, name)) return fields[name];
  return open !== undefined && name.startsWith(open) && name.length > open.length ? 'open' : undefined;
}
