/** The state before block 1: the accounts of the operator and of the validators, and all their keys. */
import type { AccountKind } from '../chain/account.ts';
import type { Genesis } from '../chain/genesis.ts';
import { genesisAccountId } from '../chain/identifiers.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { createAccount, reserveKey } from './accounts.ts';
import { StateLayer } from './state.ts';

export function genesisState(crypto: CryptoProvider, genesis: Genesis): StateLayer {
  const layer = new StateLayer({ get: () => undefined });
  const { document } = genesis;
  const context = { crypto, state: layer, timeMs: document.timeMs };
  const create = (kind: AccountKind, p: typeof document.operator) => {
    const account = { kind, key: p.accountKey, name: p.name, legal: p.legal, quota: p.quota, created: 0 };
    createAccount(context, genesisAccountId(crypto, p.accountKey), account, layer);
  };
  create('operator', document.operator);
  for (const validator of document.validators) {
    create('validator', validator);
    const id = genesisAccountId(crypto, validator.accountKey);
    // Keys that sign votes are nobody else's account keys either.
    reserveKey(crypto, id, validator.consensusKey, layer);
    if (validator.standbyKey !== undefined) reserveKey(crypto, id, validator.standbyKey, layer);
  }
  return layer;
}
