// The contract of the consensus core: its inputs, its outputs and its state. Everything is plain data.

/** Names a proposed block; opaque to this room. The runtime writes header hash and log root into it (ADR 0003). */
export type ValueId = string;

export type VoteType = 'prevote' | 'precommit';

/** A validator of this height; its index in the array of members is its name here. */
export interface Member {
  /** Voting power, a positive integer. */
  readonly power: number;
}

export interface Proposal {
  readonly height: number;
  readonly round: number;
  readonly valueId: ValueId;
  /** The round in which the proposer saw a polka for the value; -1 for a fresh value. */
  readonly validRound: number;
  readonly proposer: number;
}

export interface Vote {
  readonly type: VoteType;
  readonly height: number;
  readonly round: number;
  /** `null` is the paper's nil. */
  readonly valueId: ValueId | null;
  readonly validator: number;
  /** 0 is the primary key, 1 the standby key. Both speak for one validator, whose power counts once. */
  readonly key: 0 | 1;
  readonly signature: Uint8Array;
}

/** The paper's step, with `newRound` before the height has started and `commit` after the decision. */
export type Step = 'newRound' | 'propose' | 'prevote' | 'precommit' | 'commit';

export type TimeoutStep = 'propose' | 'prevote' | 'precommit';

export interface RoundValue {
  readonly round: number;
  readonly valueId: ValueId;
}

/**
 * What the vote record keeps of a height beside the own votes. The runtime stores `checkpoint(state)` of the state
 * *after* a step together with each vote of that step, and only then lets the vote out.
 */
export interface Checkpoint {
  readonly round: number;
  readonly step: Step;
  /** Safety: without it a validator could help to decide a second value. */
  readonly locked: RoundValue | null;
  readonly valid: RoundValue | null;
  /** Liveness: the prevotes that prove `valid`. Their senders may be gone when we come back, and then only we have them. */
  readonly polka: readonly Vote[];
  /** Liveness: the votes that brought us into `round` (L55 or L65), with which we can bring the others there. */
  readonly entry: readonly Vote[];
}

export type Input =
  /** Enter round 0, or, after `resume`, go on where the checkpoint says. Inputs before it are kept, not acted on. */
  | { readonly kind: 'start' }
  /** The answer to `getValue` (L18). */
  | { readonly kind: 'value'; readonly round: number; readonly valueId: ValueId }
  /**
   * A proposal whose signature is checked and whose block has been executed. `valid`: the block is correct. `timely`:
   * judged once, on receipt; it counts only in L22, that is with `validRound` = -1.
   */
  | { readonly kind: 'proposal'; readonly proposal: Proposal; readonly valid: boolean; readonly timely: boolean }
  /** A vote whose signature is checked; own votes too, once they are signed and recorded. */
  | { readonly kind: 'vote'; readonly vote: Vote }
  /**
   * Checked votes that arrived together: the polka beside a proposal, or what a peer resends. Give them whole: a
   * quorum among them counts as a certificate, which no equivocator can spoil, and votes known already are part of it.
   */
  | { readonly kind: 'votes'; readonly votes: readonly Vote[] }
  /**
   * A vote that was asked for is not signed, nor will any other of this round be: the other of our two keys has signed in
   * it. The round is left by its precommit timer, without the quorum that L47 waits for.
   */
  | { readonly kind: 'abstained'; readonly round: number }
  /** A timer that `scheduleTimeout` asked for has run out. */
  | { readonly kind: 'timeout'; readonly step: TimeoutStep; readonly round: number };

export type Output =
  /** Build a block and answer with a `value` input (L18). */
  | { readonly kind: 'getValue'; readonly round: number }
  /** Sign, store and send a proposal (L19), and feed it back. With `validRound` >= 0, `polka(state)` travels with it. */
  | { readonly kind: 'propose'; readonly round: number; readonly valueId: ValueId; readonly validRound: number }
  /** Sign, record and send a vote, and feed it back as a `vote` input. */
  | { readonly kind: 'vote'; readonly type: VoteType; readonly round: number; readonly valueId: ValueId | null }
  | { readonly kind: 'scheduleTimeout'; readonly step: TimeoutStep; readonly round: number }
  /** Final. `precommits` hold more than 2/3 of the power and are sorted by validator. */
  | { readonly kind: 'decide'; readonly round: number; readonly valueId: ValueId; readonly precommits: readonly Vote[] }
  /** One validator, one type, one round, two values. */
  | { readonly kind: 'equivocation'; readonly first: Vote; readonly second: Vote }
  /** One proposer, one round, two proposals. */
  | { readonly kind: 'conflictingProposals'; readonly first: Proposal; readonly second: Proposal };

export interface JudgedProposal {
  readonly proposal: Proposal;
  readonly valid: boolean;
  readonly timely: boolean;
}

/** Proposals by round, at most two in each. */
export type Proposals = ReadonlyMap<number, readonly JudgedProposal[]>;

/** The votes of one type in one round. */
export interface Ballot {
  /** The first vote of each validator, by validator. */
  readonly first: ReadonlyMap<number, Vote>;
  /** A quorum for one value, where the first votes alone do not show it; otherwise empty. */
  readonly certificate: readonly Vote[];
  /** Validators whose equivocation has been output. */
  readonly accused: ReadonlySet<number>;
}

/** The vote keeper: votes by round. */
export type Votes = ReadonlyMap<number, Readonly<Record<VoteType, Ballot>>>;

/** The state of one height. Never changed in place. */
export interface ConsensusState {
  readonly height: number;
  readonly members: readonly Member[];
  /** Own index among the members; `null` for an observer. */
  readonly self: number | null;
  readonly started: boolean;
  readonly round: number;
  readonly step: Step;
  readonly locked: RoundValue | null;
  readonly valid: RoundValue | null;
  readonly entry: readonly Vote[];
  readonly proposals: Proposals;
  readonly votes: Votes;
  /** What happens once per round and has happened in this one. */
  readonly done: { readonly propose: boolean; readonly prevoteTimeout: boolean; readonly precommitTimeout: boolean };
  readonly decision: RoundValue | null;
}

export interface Transition {
  readonly state: ConsensusState;
  readonly outputs: readonly Output[];
}
