/** What a proposal changes, for the eyes of whoever is to approve it. */
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import type { Validator, ValidatorSet } from '../../node-core/chain/validator-set.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal, toHex } from '../../node-core/codec/bytes.ts';
import { keyId } from '../../node-core/crypto/keys.ts';
import type { PublicKey } from '../../node-core/crypto/provider.ts';
import { table } from '../progress.ts';
import { type Proposal, type Standing, standingOf } from './proposal.ts';

const HEAD = ['', 'index', 'account', 'power', 'key', 'standby key'] as const;

/** Key IDs, as `brop keygen` prints them. */
function keyText(key: PublicKey | undefined): string {
  return key === undefined ? '–' : `${key.suite} ${toHex(keyId(nativeCrypto, key))}`;
}

function cells({ id, power, keys: [primary, standby] }: Validator): string[] {
  return [accountIdToText(id), String(power), keyText(primary), keyText(standby)];
}

export function changesOf({ current, next }: Pick<Proposal, 'current' | 'next'>) {
  const added = next.validators.filter((validator) => placeOf(current, validator) < 0);
  const removed = current.validators.filter((validator) => placeOf(next, validator) < 0);
  const kept = next.validators.filter((validator) => placeOf(current, validator) >= 0);
  const changed = kept.filter((validator) => {
    const before = cells(current.validators[placeOf(current, validator)]!);
    return cells(validator).some((cell, i) => cell !== before[i]);
  });
  return { added, removed, changed };
}

function placeOf({ validators }: ValidatorSet, { id }: Validator): number {
  return validators.findIndex((other) => equal(other.id, id));
}

/** The whole new set is listed: what a proposal says nothing of is seen too. */
export function summaryLines(proposal: Proposal): string[] {
  const { genesisHash, current, since, next, effectiveHeight } = proposal;
  const { added, removed, changed } = changesOf(proposal);
  const markOf = (validator: Validator) =>
    added.includes(validator) ? 'added' : changed.includes(validator) ? 'changed' : '';
  const rows = [
    ...removed.map((validator) => ['removed', '', ...cells(validator)]),
    ...changed.map((validator) => ['was', '', ...cells(current.validators[placeOf(current, validator)]!)]),
    ...next.validators.map((validator, index) => [markOf(validator), String(index), ...cells(validator)]),
  ];
  const count = ({ validators, totalPower }: ValidatorSet) => `${validators.length} with power ${totalPower}`;
  return [
    `chain        ${toHex(genesisHash)}`,
    `from height  ${effectiveHeight}`,
    `validators   ${count(current)}, in force since height ${since} -> ${count(next)}`,
    `approved     ${standingText(standingOf(proposal))}`,
    '',
    table(HEAD, rows),
  ];
}

export function standingText({ power, totalPower, missing }: Standing): string {
  const rest = missing === 0 ? 'enough' : `power ${missing} is missing, more than two thirds must approve`;
  return `by power ${power} of ${totalPower}: ${rest}`;
}

export function summaryJson(proposal: Proposal) {
  const { genesisHash, since, effectiveHeight, approvals } = proposal;
  const { added, removed, changed } = changesOf(proposal);
  const names = (list: readonly Validator[]) => list.map(({ id }) => accountIdToText(id));
  return {
    genesis: toHex(genesisHash),
    ...{ since, effectiveHeight },
    ...{ added: names(added), removed: names(removed), changed: names(changed) },
    approvedBy: approvals.map(([index]) => index),
    ...standingOf(proposal),
  };
}
