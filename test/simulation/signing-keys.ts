/** With which keys a life of a validator signs: one that its operator has chosen, or two, the first of which may fail. */
import { equal } from '../../node-core/codec/bytes.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import type { Standby } from '../../node-core/runtime/voting.ts';
import type { Chance } from './chance.ts';
import { signerOf } from './fixture.ts';
import type { ValidatorKeys } from './machine.ts';

export interface SigningKeys {
  readonly signer: Signer;
  readonly standby: Standby | null;
}

/** Of its signatures; a life is some dozens of them. */
const PRIMARY_FAILS = 0.03;

/**
 * @param returns how often its operator has sent it back to the primary key so far
 * @param count is told what happens, for the tally of a run
 */
export function signingKeys(
  { key, standby }: ValidatorKeys,
  store: ChainStore,
  chance: Chance,
  returns: number,
  count: (what: string) => void,
): SigningKeys {
  if (standby === undefined || !isInSet(standby, store) || chance.is(0.35)) {
    return { signer: signerOf(key), standby: null };
  }
  if (chance.is(0.5)) {
    count('lives with the standby key');
    return { signer: signerOf(standby), standby: null };
  }
  count('lives with both keys');
  const primary = signerOf(key);
  const sign = async (message: Uint8Array) => {
    // A validator that has no other key in the set could only stop.
    if (isInSet(standby, store) && chance.is(PRIMARY_FAILS)) throw new Error('the simulated token is gone');
    return primary.sign(message);
  };
  const other = { signer: signerOf(standby), returns, onFailOver: () => count('fail-overs') };
  // Where the primary key cannot be opened, the standby one stands in for it.
  const signer = chance.is(0.1) ? other.signer : { publicKey: primary.publicKey, sign };
  return { signer, standby: other };
}

function isInSet({ publicKey }: KeyPair, store: ChainStore): boolean {
  return store.validators.validators.some(({ keys }) => keys.some(({ bytes }) => equal(bytes, publicKey.bytes)));
}
