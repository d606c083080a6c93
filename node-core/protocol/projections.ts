/** The table of projections: what each transaction type means to queries and events, and the collections it writes. */
import { evidence, evidenceProjections, schemas } from '../components/evidence/projection.ts';
import { governanceProjections, nodes } from '../components/governance/projection.ts';
import { identityProjections } from '../components/identity/projection.ts';
import { accounts, participants } from '../ledger/account-rows.ts';
import type { Collection, RegisteredProjection } from '../ledger/projection.ts';

/** A component joins by adding its own here; the test beside this file asks for each type of operationsOf. */
const VERSION_1 = table(...governanceProjections, ...identityProjections, ...evidenceProjections);

const VERSIONS: ReadonlyMap<number, ReadonlyMap<string, RegisteredProjection>> = new Map([[1, VERSION_1]]);

/** Collections that components write; blocks and transactions come from the middleware itself. */
export const COMPONENT_COLLECTIONS: readonly Collection[] = [accounts, participants, nodes, evidence, schemas];

/** @throws {Error} for a version that this software does not know: it must not go on. */
export function projectionsOf(protocolVersion: number): ReadonlyMap<string, RegisteredProjection> {
  const projections = VERSIONS.get(protocolVersion);
  if (projections === undefined) throw new Error(`protocol version ${protocolVersion} is unknown to this software`);
  return projections;
}

function table(...projections: readonly RegisteredProjection[]): ReadonlyMap<string, RegisteredProjection> {
  const byType = new Map(projections.map((projection) => [projection.type, projection]));
  if (byType.size !== projections.length) throw new Error('a transaction type is projected twice');
  return byType;
}
