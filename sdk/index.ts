/** The client toolkit: build, sign, submit, wait, verify. Runs in browsers, in Lambda and in Node. */
export type { AccountRecord, Level, Permission } from '../node-core/chain/account.ts';
export { Batch, type FileDigests } from '../node-core/chain/batch.ts';
export type { AccountId } from '../node-core/chain/identifiers.ts';
export { ADMIT_PARTNER, type AdmitPartner, admitPartnerBody } from '../node-core/chain/operations/admit-partner.ts';
export { CERTIFY, type Certify, certifyBody } from '../node-core/chain/operations/certify.ts';
export * from '../node-core/chain/operations/evidence.ts';
export { transparentStatement } from '../node-core/chain/scitt.ts';
export type { Operation } from '../node-core/chain/transaction.ts';
export type { PublicKey, SuiteName } from '../node-core/crypto/provider.ts';
export * from './client.ts';
export * from './errors.ts';
export type { ChainStatus } from './heights.ts';
export type { Fetch } from './http.ts';
export * from './records.ts';
export type { Outcome } from './settle.ts';
export { type Signer, signerFromSecretKey, signerFromWebCrypto, type WebKeyPair } from './signer.ts';
export * from './verify.ts';
