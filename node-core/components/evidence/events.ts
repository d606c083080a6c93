/** What subscribers are told of evidence. */
import { always, type EventDeclaration, rowFields } from '../../ledger/event-declaration.ts';
import { evidence } from './projection.ts';

export const evidenceEvents: readonly EventDeclaration[] = [
  {
    type: 'evidence.registered',
    description: 'An evidence record, or a batch of them, has been registered. 存证已登记。',
    fields: {
      record: always('hash', 'Record ID.'),
      ...rowFields(evidence, {
        always: ['registrant'],
        lists: ['digest', 'provenance.witnesses', 'provenance.related'],
      }),
    },
    open: evidence.open!,
    subject: ['registrant', 'subject'],
  },
];
