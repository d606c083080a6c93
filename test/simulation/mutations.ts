/**
 * Does the simulator find what it is for? Each mutation breaks one rule of the product by replacing text in a copy of
 * the tree, where the simulator then runs. Nothing in the product knows of it.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Outcome } from './simulate.ts';

interface Replacement {
  readonly file: string;
  /** Must occur exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly breaks: string;
  readonly replacements: readonly Replacement[];
}

const CONSENSUS = 'node-core/consensus';
const RUNTIME = 'node-core/runtime';

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  lock: {
    breaks: 'the locking rule: a validator prevotes anything that is valid, whatever it has locked (L23, L29)',
    replacements: [
      {
        file: `${CONSENSUS}/rules.ts`,
        from: 'fresh.valid && fresh.timely && (locked === null || locked.valueId === valueId);',
        to: 'fresh.valid && fresh.timely && (locked === null || valueId !== "");',
      },
      {
        file: `${CONSENSUS}/rules.ts`,
        from: 'locked === null || locked.round <= validRound || locked.valueId === valueId;',
        to: 'locked === null || validRound >= -1;',
      },
    ],
  },
  'record-lost': {
    breaks: 'the vote record: a validator starts without what it holds, and is blind to the signs of it',
    replacements: [
      {
        file: `${RUNTIME}/voting.ts`,
        from: 'opened.bytes === null ? null : decodeRecord(opened.bytes);',
        to: 'opened.bytes === null || decodeRecord(opened.bytes) !== null ? null : null;',
      },
      {
        file: `${RUNTIME}/consensus-driver.ts`,
        from: 'if (!voting.isForeign(vote)) return;',
        to: 'if (vote.height > 0) return;',
      },
      {
        file: `${RUNTIME}/node.ts`,
        from: 'signedByUs && recordedHeight < executed.header.height)',
        to: 'signedByUs && recordedHeight < executed.header.height && this.stopping !== null)',
      },
      {
        file: `${RUNTIME}/node.ts`,
        from: 'store.hasSignatureOf(indexIn, voting.recorded?.height ?? 0)',
        to: 'store.hasSignatureOf(() => -1, 0)',
      },
    ],
  },
  'journal-late': {
    breaks: 'a final block is not in the journal before the store: it is gone with the disks',
    replacements: [
      {
        file: `${RUNTIME}/node.ts`,
        from: "if (source === 'consensus' || source === 'peers') await this.journal?.keepBlock",
        to: "if (source === 'files') await this.journal?.keepBlock",
      },
    ],
  },
  'journal-unread': {
    breaks: 'proposals of the height are not read back from the journal: who is locked on one can never decide it',
    replacements: [
      {
        file: `${RUNTIME}/consensus-driver.ts`,
        from: 'if (voting.recorded?.height === this.height) await',
        to: 'if (voting.recorded?.height === -1) await',
      },
    ],
  },
  'record-late': {
    breaks: 'the vote record: votes are sent before they are recorded',
    replacements: [
      {
        file: `${RUNTIME}/voting.ts`,
        from: '  private async swap(next: Recorded): Promise<void> {\n',
        to: `  private async swap(next: Recorded): Promise<void> {
    const self = this as unknown as { late?: Promise<void> };
    this.current = next;
    self.late = (self.late ?? Promise.resolve()).then(() => this.swapLate(next)).catch(() => {});
  }

  private async swapLate(next: Recorded): Promise<void> {
`,
      },
      {
        file: `${RUNTIME}/voting.ts`,
        from: '    this.position = outcome;\n    this.current = next;\n',
        to: '    this.position = outcome;\n',
      },
    ],
  },
  quorum: {
    breaks: 'the quorum: more than 1/2 of the power instead of more than 2/3',
    replacements: [
      {
        file: `${CONSENSUS}/members.ts`,
        from: '3 * powerOf(members, votes) > 2 * totalPower(members)',
        to: '2 * powerOf(members, votes) > totalPower(members)',
      },
      {
        file: 'node-core/chain/validator-set.ts',
        from: '3 * power > 2 * set.totalPower',
        to: '2 * power > set.totalPower',
      },
    ],
  },
  'approvals-few': {
    breaks: 'set changes: approvals of half of the power in force are enough',
    replacements: [
      {
        file: 'node-core/chain/set-approval.ts',
        from: 'return isQuorum(current, power)',
        to: 'return 2 * power > current.totalPower',
      },
    ],
  },
  'set-stale': {
    breaks: 'set changes: blocks that others decided are judged with the set of the genesis, for ever',
    replacements: [
      {
        file: `${RUNTIME}/block-intake.ts`,
        from: 'const set = store.validators;',
        to: 'const set = store.genesis.validators;',
      },
    ],
  },
  'set-early': {
    breaks: 'set changes: an approved set is in force one height before its own',
    replacements: [
      {
        file: 'node-core/ledger/validators.ts',
        from: 'pending?.effectiveHeight !== nextHeight',
        to: 'pending === null || pending.effectiveHeight > nextHeight + 1',
      },
    ],
  },
  'role-kept': {
    breaks: 'set changes: who is in the set once goes on in its old place',
    replacements: [
      {
        file: `${RUNTIME}/consensus-driver.ts`,
        from: '    this.isMember = voting.follow(store.validators);\n    if (this.isMember && !before)',
        to: '    if (!before) this.isMember = voting.follow(store.validators);\n    if (this.isMember && !before)',
      },
    ],
  },
  'fail-over': {
    breaks: 'the standby key: what the other key has signed at this height is forgotten',
    replacements: [
      {
        file: `${RUNTIME}/consensus-driver.ts`,
        from: 'return resume(height, members, this.self, recorded.checkpoint, recorded.ownVotes);',
        to: `const own = recorded.ownVotes.filter(({ key }) => key === voting.identity.key);
    if (own.length < recorded.ownVotes.length) return initial(height, members, this.self);
    return resume(height, members, this.self, recorded.checkpoint, own);`,
      },
    ],
  },
  'sync-unchecked': {
    breaks: 'catching up: the certificate of a block is not checked',
    replacements: [
      {
        file: `${RUNTIME}/block-intake.ts`,
        from: '!(await isCertified(this.parts, set, block))',
        to: '!(await isCertified(this.parts, set, block)) && height < 0',
      },
    ],
  },
  'commit-early': {
    breaks: 'the store: a block is told before it is durable',
    replacements: [
      {
        file: `${RUNTIME}/chain-store.ts`,
        from: 'await this.blocks.add(executed, certificate, obsolete);',
        to: 'void this.blocks.add(executed, certificate, obsolete);',
      },
    ],
  },
  'body-unchecked': {
    breaks: 'catching up: transactions that are not those of the certified header are taken for them',
    replacements: [
      {
        file: `${RUNTIME}/block-intake.ts`,
        from: 'if (!belongsToHeader(crypto, block))',
        to: 'if (!belongsToHeader(crypto, block) && height < 0)',
      },
    ],
  },
  'vote-alone': {
    breaks: 'votes: those that were heard before are left out of what arrives together, and no certificate forms',
    replacements: [
      {
        file: `${RUNTIME}/consensus-driver.ts`,
        from: "if (votes.length > 0) await this.feed({ kind: 'votes', votes });",
        to: "if (fresh.length > 0) await this.feed({ kind: 'votes', votes: fresh });",
      },
    ],
  },
  'time-unjudged': {
    breaks: 'proposer-based time: every proposal counts as timely',
    replacements: [
      {
        file: `${RUNTIME}/proposals.ts`,
        from: 'const timely = validRound !== -1 ||',
        to: 'const timely = validRound >= -1 ||',
      },
    ],
  },
  'proposal-forgotten': {
    breaks: 'restart: kept proposals are not read back, and an own round gets a second one',
    replacements: [
      {
        file: `${RUNTIME}/proposals.ts`,
        from: 'of this.store.keptProposals(state.height)) {',
        to: 'of this.store.keptProposals(state.height).slice(0, 0)) {',
      },
      {
        file: `${RUNTIME}/voting.ts`,
        from: 'if (before.ownProposals.some((own) => own.round === round)) return null;',
        to: '',
      },
    ],
  },
  'evidence-unverified': {
    breaks: 'evidence of equivocation: what a peer sends is believed',
    replacements: [
      {
        file: `${RUNTIME}/equivocations.ts`,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text of the product
        from: "if ('code' in facts) throw new Garbage(`evidence: ${facts.detail ?? facts.code}`);",
        to: "if ('code' in facts) Object.assign(facts, claimed.name);",
      },
    ],
  },
  'damage-served': {
    breaks: 'damaged disks: what is read is given out without a look whether it still proves anything',
    replacements: [
      {
        file: `${RUNTIME}/kept-blocks.ts`,
        from: 'if (this.isAsVerified(height, row)) return row;',
        to: 'if (height > 0) return row;',
      },
      {
        file: 'node-core/chain/block-receipts.ts',
        from: 'return inclusionRefusal(this.crypto, receipt, block) ?? encodeReceipt(receipt);',
        to: 'return block === undefined ? inclusionRefusal(this.crypto, receipt, block)! : encodeReceipt(receipt);',
      },
    ],
  },
  'full-disk-unnoticed': {
    breaks: 'the store: a block is told although the disk has refused it',
    replacements: [
      {
        file: `${RUNTIME}/chain-store.ts`,
        from: 'await this.blocks.add(executed, certificate, obsolete);',
        to: 'await this.blocks.add(executed, certificate, obsolete).catch(() => {});',
      },
    ],
  },
  nonce: {
    breaks: 'replay: a used (sender, nonce) is accepted again',
    replacements: [
      {
        file: 'node-core/ledger/admission.ts',
        from: "return refusal('NONCE_USED');",
        to: "if (height < 0) return refusal('NONCE_USED');",
      },
      {
        file: `${RUNTIME}/submission.ts`,
        from: 'if (!isEarlier && store.wasForgotten(',
        to: 'if (!isEarlier && store.height < 0 && store.wasForgotten(',
      },
    ],
  },
};

export interface Found {
  readonly seeds: readonly number[];
  /** Which checks noticed, and in how many seeds. */
  readonly checks: ReadonlyMap<string, number>;
}

/** @throws {Error} when the text to replace is not there exactly once: the product has moved on, the mutation has not. */
export function mutate(source: string, { file, from, to }: Replacement): string {
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`);
  return source.replace(from, () => to);
}

const ROOT = join(import.meta.dirname, '..', '..');
const COPIED = ['package.json', 'tsconfig.json', 'node-core', 'adapters', 'test/simulation', 'test/ledger'];

/** Runs the simulator over a broken copy of the tree. */
export async function runMutation(name: string, from: number, seeds: number): Promise<Found> {
  const mutation = MUTATIONS[name];
  if (mutation === undefined)
    throw new Error(`there is no mutation ${name}; there are ${Object.keys(MUTATIONS).join(', ')}`);
  const copy = mkdtempSync(join(tmpdir(), `brop-mutation-${name}-`));
  try {
    for (const path of COPIED) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    for (const replacement of mutation.replacements) {
      const file = join(copy, replacement.file);
      writeFileSync(file, mutate(readFileSync(file, 'utf8'), replacement));
    }
    return await simulateIn(copy, from, seeds);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

async function simulateIn(folder: string, from: number, seeds: number): Promise<Found> {
  const main = join(folder, 'test/simulation/main.ts');
  const child = spawn(process.execPath, [main, '--json', '--from', String(from), '--seeds', String(seeds)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const found: number[] = [];
  const checks = new Map<string, number>();
  for await (const line of createInterface({ input: child.stdout })) {
    const outcome = JSON.parse(line) as Partial<Outcome>;
    if (outcome.seed === undefined || outcome.failures === undefined || outcome.failures.length === 0) continue;
    found.push(outcome.seed);
    const [first] = outcome.failures;
    if (first !== undefined) checks.set(first.check, (checks.get(first.check) ?? 0) + 1);
  }
  return { seeds: found.sort((a, b) => a - b), checks };
}
