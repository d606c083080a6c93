/** The double that tests of deliveries use keeps the same contract. */
import { MemorySubscriptions } from '../middleware/memory-subscriptions.ts';
import { describeSharedSubscriptionStore } from './shared-subscription-store.ts';
import { describeSubscriptionStore } from './subscription-store.ts';

async function open() {
  const store = new MemorySubscriptions();
  return { store, reopen: async () => store, another: () => store, cleanup: async () => {} };
}

describeSubscriptionStore('memory', open);
describeSharedSubscriptionStore('memory', open);
