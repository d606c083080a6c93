/** Evidence of equivocation in the store: one piece for each validator, height and kind; of a validator the newest. */
import { EQUIVOCATION_KINDS, type EquivocationName } from '../chain/equivocation.ts';
import type { AccountId } from '../chain/identifiers.ts';
import { ACCOUNT_ID_BYTES } from '../codec/account-id.ts';
import { concat, equal, uint64 } from '../codec/bytes.ts';
import type { KeyValueStore } from '../ports/key-value-store.ts';
import { uint64At } from './kept-proposals.ts';

const EQUIVOCATION = Uint8Array.of('e'.charCodeAt(0));
const AFTER_EQUIVOCATIONS = Uint8Array.of('f'.charCodeAt(0));

/** Of one validator the newest so many are kept: a liar may contradict itself at every height. */
export const KEPT_PER_VALIDATOR = 16;

export class KeptEquivocations {
  private readonly kv: KeyValueStore;
  /** Names of all that is kept, in the order of the keys; the evidence itself stays on disk. */
  private names: readonly EquivocationName[] | null = null;

  constructor(kv: KeyValueStore) {
    this.kv = kv;
  }

  get({ validator, height, kind }: EquivocationName): Uint8Array | undefined {
    return this.kv.get(keyOf({ validator, height, kind }));
  }

  /** What there is: by validator, the lowest height first. */
  list(): readonly EquivocationName[] {
    this.names ??= [...this.kv.range(EQUIVOCATION, AFTER_EQUIVOCATIONS)].map(({ key }) => nameOf(key));
    return this.names;
  }

  /** Not known yet, and newer than what would have to go for it. */
  isWanted(name: EquivocationName): boolean {
    if (this.get(name) !== undefined) return false;
    const kept = this.listOf(name.validator);
    return kept.length < KEPT_PER_VALIDATOR || name.height > kept[0]!.height;
  }

  /** Durable when it resolves. What is too much then goes in the same write. */
  async add(name: EquivocationName, evidence: Uint8Array): Promise<void> {
    const kept = this.listOf(name.validator);
    const obsolete = kept.slice(0, Math.max(0, kept.length + 1 - KEPT_PER_VALIDATOR));
    await this.kv.write([
      ...obsolete.map((other) => ({ key: keyOf(other), value: null })),
      { key: keyOf(name), value: evidence },
    ]);
    this.names = null;
  }

  private listOf(validator: AccountId): EquivocationName[] {
    return this.list().filter((name) => equal(name.validator, validator));
  }
}

function keyOf({ validator, height, kind }: EquivocationName): Uint8Array {
  return concat(EQUIVOCATION, validator, uint64(height), Uint8Array.of(EQUIVOCATION_KINDS.indexOf(kind)));
}

function nameOf(key: Uint8Array): EquivocationName {
  const at = 1 + ACCOUNT_ID_BYTES;
  return { validator: key.slice(1, at), height: uint64At(key, at), kind: EQUIVOCATION_KINDS[key[at + 8]!]! };
}
