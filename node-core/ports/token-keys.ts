/** An Ed25519 key that signs access tokens, and nothing else. */
export interface TokenKey {
  /** 32 hexadecimal digits: the key ID (crypto/keys.ts). */
  readonly kid: string;
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** The keys of one node: they are of this node alone, and no other node believes its tokens. */
export interface TokenKeys {
  /** The key that signs now; a new one when there is none yet, or when the last is old. */
  current(): Promise<TokenKey>;
  /** Also a former one, as long as what it signed may still hold; undefined for any other ID. */
  find(kid: string): Promise<TokenKey | undefined>;
}
