/** evidence.registerSchema: a partner says what the attributes of a kind of record look like. */
import { refusal } from '../../chain/codes.ts';
import {
  REGISTER_SCHEMA,
  type RegisterSchema,
  registeredSchema,
  registerSchemaBody,
  schemaId,
} from '../../chain/operations/record-schema.ts';
import { stateKey } from '../../chain/state-keys.ts';
import { encode } from '../../codec/cbor.ts';
import type { OperationType } from '../../ledger/operation-type.ts';

export const registerSchema: OperationType<RegisterSchema> = {
  type: REGISTER_SCHEMA,
  clause: 'lawfulData',
  body: registerSchemaBody,
  stateEntries: () => 1,
  check: ({ crypto, state, sender }, body) =>
    state.get(stateKey.schema(schemaId(crypto, sender, body))) === undefined ? null : refusal('SCHEMA_KNOWN'),
  apply: ({ crypto, sender }, body, effects) => {
    const id = schemaId(crypto, sender, body);
    effects.set(stateKey.schema(id), encode(registeredSchema.encode({ registrant: sender, ...body })));
    effects.emit(
      'evidence.schemaRegistered',
      new Map([
        ['schema', id],
        ['registrant', sender],
      ]),
    );
  },
};
