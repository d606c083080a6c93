/** The table: protocol version → the transaction types in force, each with the rule of who may send it. */
import { registerEvidence } from '../components/evidence/register.ts';
import { registerBatch } from '../components/evidence/register-batch.ts';
import { registerSchema } from '../components/evidence/register-schema.ts';
import { admitPartner } from '../components/governance/admit-partner.ts';
import { admitValidator } from '../components/governance/admit-validator.ts';
import { registerNode, unregisterNode } from '../components/governance/register-node.ts';
import { setValidators } from '../components/governance/set-validators.ts';
import { certify } from '../components/identity/certify.ts';
import { type OperationTable, type RegisteredType, register } from '../ledger/operation-type.ts';
import { SENDERS_V1 as V1 } from './permissions.ts';

/** A component joins by adding its types here. */
const VERSION_1 = table(
  register(admitPartner, V1['governance.admitPartner']),
  register(admitValidator, V1['governance.admitValidator']),
  register(setValidators, V1['governance.setValidators']),
  register(registerNode, V1['governance.registerNode']),
  register(unregisterNode, V1['governance.unregisterNode']),
  register(certify, V1['identity.certify']),
  register(registerSchema, V1['evidence.registerSchema']),
  register(registerEvidence, V1['evidence.register']),
  register(registerBatch, V1['evidence.registerBatch']),
);

const VERSIONS: ReadonlyMap<number, OperationTable> = new Map([[1, VERSION_1]]);

/** @throws {Error} for a version that this software does not know: it must not go on. */
export function operationsOf(protocolVersion: number): OperationTable {
  const operations = VERSIONS.get(protocolVersion);
  if (operations === undefined) throw new Error(`protocol version ${protocolVersion} is unknown to this software`);
  return operations;
}

function table(...types: readonly RegisteredType[]): OperationTable {
  const byName = new Map(types.map((type) => [type.type, type]));
  if (byName.size !== types.length) throw new Error('a transaction type is in the table twice');
  return byName;
}
