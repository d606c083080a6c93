/** Every bound of subscriptions and deliveries that is not of one file alone. The README has the table for people. */

/** Attempts that are kept of one subscription; the oldest gives way. */
export const MAX_ATTEMPTS_KEPT = 100;
export const MAX_SUBSCRIPTIONS_OF_ACCOUNT = 100;
/** Each has an object in memory, and a request under way at worst. */
export const MAX_SUBSCRIPTIONS = 10_000;
export const MAX_DESCRIPTION_LENGTH = 256;
/** How long the key before signs beside the new one. */
export const KEY_OVERLAP_MS = 86_400_000;
