/** What came of attempts to deliver, counted: for whoever watches over deliveries. */
import type { Attempt } from '../../ports/subscription-store.ts';

/** accepted: 2xx. refused: any other status. unanswered: none, whatever the reason. */
export const OUTCOMES = ['accepted', 'refused', 'unanswered'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export function outcomeOf({ outcome }: Pick<Attempt, 'outcome'>): Outcome {
  if (typeof outcome !== 'number') return 'unanswered';
  return outcome >= 200 && outcome <= 299 ? 'accepted' : 'refused';
}
