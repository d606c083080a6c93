/** A change of the validator set on its way from one validator to the next: a file that gathers their approvals. */
import { z } from 'zod';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { entryOf, type SetApproval, type SetValidators } from '../../node-core/chain/operations/set-validators.ts';
import { approvalMessage } from '../../node-core/chain/set-approval.ts';
import {
  isQuorum,
  MAX_POWER,
  MAX_VALIDATORS,
  type Validator,
  type ValidatorSet,
  validatorSet,
} from '../../node-core/chain/validator-set.ts';
import { accountIdFromText, accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal, fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { readJson } from '../json-file.ts';
import { publicKeyJson, publicKeyOf, publicKeyToJson } from '../public-keys.ts';

export interface Proposal {
  readonly genesisHash: Uint8Array;
  /** The set in force, whose validators approve. */
  readonly current: ValidatorSet;
  /** The first height that `current` signs, without another set since: approvals hold no longer than that lasts. */
  readonly since: number;
  readonly next: ValidatorSet;
  /** The first height that `next` signs. */
  readonly effectiveHeight: number;
  /** Ascending by validator; each verifies. */
  readonly approvals: readonly SetApproval[];
}

/** Two sets of the most validators, all with two keys, and everybody's approval. */
const MAX_FILE_BYTES = 262_144;

const validatorJson = z.strictObject({
  account: z.string(),
  power: z.int().min(1).max(MAX_POWER),
  consensusKey: publicKeyJson,
  standbyKey: publicKeyJson.optional(),
});
const setJson = z.array(validatorJson).min(1).max(MAX_VALIDATORS);
const proposalJson = z.strictObject({
  type: z.literal('brop.set-proposal.v1'),
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  effectiveHeight: z.int().min(1),
  current: setJson,
  since: z.int().min(1),
  next: setJson,
  approvals: z
    .array(
      z.strictObject({
        validator: z.int().min(0),
        key: z.enum(['primary', 'standby']),
        signature: z.string().regex(/^[0-9a-f]{128}$/),
      }),
    )
    .max(MAX_VALIDATORS),
});

/** Every approval in it verifies. @throws {BropError} FILE_UNREADABLE, CONFIG_INVALID @throws {ExitError} refused */
export async function readProposal(path: string): Promise<Proposal> {
  const json = await readJson(path, proposalJson, MAX_FILE_BYTES);
  const { genesis, since, effectiveHeight } = json;
  const sets = {
    genesisHash: fromHex(genesis),
    current: setOf(json.current, `${path}: current`),
    since,
    next: setOf(json.next, `${path}: next`),
    effectiveHeight,
  };
  const approvals = json.approvals.map(
    ({ validator, key, signature }) => [validator, key === 'primary' ? 0 : 1, fromHex(signature)] as const,
  );
  for (const approval of approvals) checkApproval(sets, approval, path);
  return withApprovals({ ...sets, approvals: [] }, approvals);
}

export function proposalText({ genesisHash, current, since, next, effectiveHeight, approvals }: Proposal): string {
  const json: z.infer<typeof proposalJson> = {
    type: 'brop.set-proposal.v1',
    genesis: toHex(genesisHash),
    effectiveHeight,
    current: setToJson(current),
    since,
    next: setToJson(next),
    approvals: approvals.map(([validator, key, signature]) => ({
      validator,
      key: key === 0 ? 'primary' : 'standby',
      signature: toHex(signature),
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function setOf(rows: z.infer<typeof setJson>, where: string): ValidatorSet {
  try {
    return validatorSet(
      nativeCrypto,
      rows.map(({ account, power, consensusKey, standbyKey }): Validator => {
        const primary = publicKeyOf(consensusKey);
        const keys = standbyKey === undefined ? ([primary] as const) : ([primary, publicKeyOf(standbyKey)] as const);
        return { id: accountIdFromText(account), power, keys };
      }),
    );
  } catch (error) {
    if (error instanceof CodecError) throw new BropError('CONFIG_INVALID', `${where}: ${error.message}.`);
    throw error;
  }
}

export function setToJson({ validators }: ValidatorSet): z.infer<typeof setJson> {
  return validators.map((validator) => {
    const { account, power, consensusKey, standbyKey } = entryOf(validator);
    return {
      account: accountIdToText(account),
      power,
      consensusKey: publicKeyToJson(consensusKey),
      ...(standbyKey !== undefined && { standbyKey: publicKeyToJson(standbyKey) }),
    };
  });
}

type Sets = Omit<Proposal, 'approvals'>;

function messageOf(sets: Sets, index: number, keyIndex: number): Uint8Array | null {
  const { genesisHash, current, since, next, effectiveHeight } = sets;
  const validator = current.validators[index];
  const key = validator?.keys[keyIndex];
  if (validator === undefined || key === undefined) return null;
  const facts = { chain: genesisHash, current: current.hash, since, next: next.hash };
  const proposed = { ...facts, protocolVersion: PROTOCOL_VERSION, effectiveHeight };
  return approvalMessage(nativeCrypto, proposed, validator, key);
}

function checkApproval(sets: Sets, [index, keyIndex, signature]: SetApproval, path: string): void {
  const message = messageOf(sets, index, keyIndex);
  const key = sets.current.validators[index]?.keys[keyIndex];
  if (message === null || key === undefined || !nativeCrypto.verify(key, message, signature))
    throw notApproved(`${path}: the approval of validator ${index} does not verify`);
}

/**
 * The proposal with one more approval.
 * @throws {ExitError} refused, when the key is not of the set in force, or its validator has approved already
 */
export async function approved(proposal: Proposal, signer: Signer, keyFile: string) {
  const { suite, bytes } = signer.publicKey;
  const isOwn = (key: Validator['keys'][0]) => key.suite === suite && equal(key.bytes, bytes);
  const index = proposal.current.validators.findIndex(({ keys }) => keys.some(isOwn));
  const validator = proposal.current.validators[index];
  if (validator === undefined) throw notApproved(`the key in ${keyFile} is not of a validator in force`);
  if (proposal.approvals.some(([other]) => other === index))
    throw notApproved(`validator ${index} has approved it already`);
  const keyIndex = validator.keys.findIndex(isOwn) as 0 | 1;
  const signature = await signer.sign(messageOf(proposal, index, keyIndex)!);
  return { index, validator, proposal: withApprovals(proposal, [[index, keyIndex, signature]]) };
}

/** One proposal of copies that have gathered approvals apart from each other. */
export function merged(copies: readonly { readonly path: string; readonly proposal: Proposal }[]): Proposal {
  const [first, ...rest] = copies;
  return rest.reduce((sum, { path, proposal }) => {
    if (!isSame(sum, proposal))
      throw new ExitError(exit.usage, `${path} is another proposal than ${first!.path}: approvals hold for one only`);
    return withApprovals(sum, proposal.approvals);
  }, first!.proposal);
}

function isSame(a: Sets, b: Sets): boolean {
  const hashes = (x: Sets) => [x.genesisHash, x.current.hash, x.next.hash] as const;
  const others = hashes(b);
  const isSameTime = a.since === b.since && a.effectiveHeight === b.effectiveHeight;
  return isSameTime && hashes(a).every((hash, i) => equal(hash, others[i]!));
}

/** Of each validator the first. */
function withApprovals(proposal: Proposal, more: readonly SetApproval[]): Proposal {
  const byIndex = new Map<number, SetApproval>();
  for (const approval of [...proposal.approvals, ...more])
    if (!byIndex.has(approval[0])) byIndex.set(approval[0], approval);
  return { ...proposal, approvals: [...byIndex.values()].sort(([a], [b]) => a - b) };
}

export function bodyOf({ next, effectiveHeight, approvals }: Proposal): SetValidators {
  return { validators: next.validators.map(entryOf), effectiveHeight, approvals };
}

export interface Standing {
  /** Power that has approved. */
  readonly power: number;
  readonly totalPower: number;
  /** Power that must still approve; 0 when it can be submitted. */
  readonly missing: number;
}

export function standingOf({ current, approvals }: Proposal): Standing {
  const power = approvals.reduce((sum, [index]) => sum + current.validators[index]!.power, 0);
  const { totalPower } = current;
  const needed = Math.floor((2 * totalPower) / 3) + 1;
  return { power, totalPower, missing: isQuorum(current, power) ? 0 : needed - power };
}

export function notApproved(message: string): ExitError {
  return new ExitError(exit.refused, message, 'SET_NOT_APPROVED');
}
