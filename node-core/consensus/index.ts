export { proposerIndex } from './members.ts';
export { type BlockedDecision, commitVotes, decidedWithoutProposal, polka, votesToResend } from './selectors.ts';
export { checkpoint, initial, resume, VoteRecordError } from './state.ts';
export { step } from './step.ts';
export { isTimely, type TimelinessParameters, type TimeoutParameters, timeoutMs } from './timing.ts';
export type * from './types.ts';
