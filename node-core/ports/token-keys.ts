import type { TokenKey } from '../crypto/token-key.ts';

/** The keys that sign the access tokens of one node: they are of this node alone, and no other believes its tokens. */
export interface TokenKeys {
  /** The key that signs now; a new one when there is none yet, or when the last is old. */
  current(): Promise<TokenKey>;
  /** Also a former one, as long as what it signed may still hold; undefined for any other ID. */
  find(kid: string): Promise<TokenKey | undefined>;
}
