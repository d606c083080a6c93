import type { Progress } from '../../node-core/ports/subscription-store.ts';

/** Of a subscription to which nothing has happened. */
export const NEW_PROGRESS: Progress = {
  ...{ cursor: null, from: null, replay: null, failing: null, disabled: null, proven: false },
};
