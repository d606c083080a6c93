/**
 * Who may send an operation, as data: one row for each transaction type. The rows themselves are one table in
 * protocol/permissions.ts, so that the whole answer to "who may do what" stands in one place and is tested whole.
 */
import type { AccountRecord, Level, Permission } from '../chain/account.ts';

/**
 * What users of one level may do: send it themselves; be named by their certifier, which sends it under its own
 * responsibility; or neither.
 */
export type LevelRight = 'alone' | 'throughPartner' | 'no';

export interface SenderRule {
  readonly operator: boolean;
  readonly validator: boolean;
  /** The permission that a partner must have been given; 'any': each partner sends it; null: none does. */
  readonly partner: Permission | 'any' | null;
  readonly levels: Readonly<Record<Level, LevelRight>>;
}

/** Whether the account may send the operation at all; when not, the transaction is refused at admission (1107). */
export function maySend(rule: SenderRule, account: AccountRecord, timeMs: number): boolean {
  switch (account.kind) {
    case 'operator':
      return rule.operator;
    case 'validator':
      return rule.validator;
    case 'partner':
      if (rule.partner === null || rule.partner === 'any') return rule.partner === 'any';
      return (account.permissions ?? []).includes(rule.partner);
    case 'user':
      return (
        account.level !== undefined && rule.levels[account.level] === 'alone' && certificationHolds(account, timeMs)
      );
  }
}

/** Whether a partner may do it for a user of this level, in the partner's own responsibility. */
export function mayBeNamed(rule: SenderRule, user: AccountRecord): boolean {
  return user.level !== undefined && rule.levels[user.level] !== 'no';
}

/** A certification without an end holds until it is taken back. */
export function certificationHolds(account: Pick<AccountRecord, 'validUntil'>, timeMs: number): boolean {
  return account.validUntil === undefined || timeMs < account.validUntil;
}
