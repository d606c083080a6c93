/** The types of events that components bring. A component joins by adding its own here. */
import { evidenceEvents } from '../components/evidence/events.ts';
import { governanceEvents } from '../components/governance/events.ts';
import { identityEvents } from '../components/identity/events.ts';
import type { EventDeclaration } from '../ledger/event-declaration.ts';

export const COMPONENT_EVENTS: readonly EventDeclaration[] = [
  ...evidenceEvents,
  ...identityEvents,
  ...governanceEvents,
];
