/** Who signs with a standby key, as the certificates of final blocks show it to every node. */
import type { Certificate } from '../chain/certificate.ts';
import type { AccountId } from '../chain/identifiers.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { toHex } from '../codec/bytes.ts';

export class StandbySigners {
  /** Accounts whose newest signature that was seen is by the standby key, in hexadecimal. */
  private readonly accounts = new Set<string>();

  /** @param set the one that has certified the block */
  saw(set: ValidatorSet, [, signatures]: Certificate): void {
    for (const [index, key] of signatures) {
      const account = toHex(set.validators[index]!.id);
      if (key === 1) this.accounts.add(account);
      else this.accounts.delete(account);
    }
  }

  /** Those of them who are in `set`. */
  list(set: ValidatorSet): AccountId[] {
    return set.validators.map(({ id }) => id).filter((id) => this.accounts.has(toHex(id)));
  }
}
