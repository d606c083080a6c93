/**
 * The genesis: leaf 0 of the log and the anchor of all trust. Its SHA-256 is the chain's name; a verifier needs
 * nothing else. It is a COSE_Sign1 by the operator over the participants, their legal documents and the parameters.
 */
import { accountIdToText } from '../codec/account-id.ts';
import { equal, toHex } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { array, fixedBytes, type Infer, literal, oneOf, record, text, uint } from '../codec/schema.ts';
import { decodeSign1, encodeSign1, signatureStructure } from '../crypto/cose.ts';
import { coseAlgorithm, keyId, publicKey, spkiHash } from '../crypto/keys.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { accountName, canonicalName, legalDocument, quotaGrant } from './account.ts';
import { genesisAccountId } from './identifiers.ts';
import { parameters } from './parameters.ts';
import { CONTENT_FORMAT_CBOR, encodeProtectedHeader, MESSAGE_TYPE } from './protected-header.ts';
import { MAX_POWER, MAX_VALIDATORS, type ValidatorSet, validatorSet } from './validator-set.ts';

export const PROTOCOL_VERSION = 1;
/** It is leaf 0 of the log, and bundles of leaves give their lengths in two bytes (docs/spec/files.md). */
const LIMITS = { maxBytes: 65_535, maxDepth: 12, maxItems: 50_000 };

const participant = { name: accountName, accountKey: publicKey, legal: legalDocument, quota: quotaGrant };

export const genesisSchema = record({
  protocolVersion: literal(PROTOCOL_VERSION),
  name: text({ max: 64 }),
  timeMs: uint(),
  /** Hash of the state tree; the log is always SHA-256. */
  stateHash: oneOf('sha-256', 'sm3'),
  operator: record(participant),
  validators: array(
    record(
      {
        ...participant,
        power: uint({ min: 1, max: MAX_POWER }),
        consensusKey: publicKey,
        /** SHA-256 of the SPKI of its TLS key. */
        nodeKey: fixedBytes(32),
      },
      { standbyKey: publicKey },
    ),
    { min: 1, max: MAX_VALIDATORS },
  ),
  parameters,
});
export type GenesisDocument = Infer<typeof genesisSchema>;

export interface Genesis {
  /** SHA-256 of `bytes`: the chain's name. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
  readonly document: GenesisDocument;
  readonly validators: ValidatorSet;
}

/** The one protected header that a genesis with this document has. */
function genesisHeader(crypto: CryptoProvider, document: GenesisDocument): Uint8Array {
  const key = document.operator.accountKey;
  return encodeProtectedHeader({
    algorithm: coseAlgorithm(key.suite),
    keyId: keyId(crypto, key),
    issuer: accountIdToText(genesisAccountId(crypto, key)),
    subject: document.name,
    type: MESSAGE_TYPE.genesis,
    contentFormat: CONTENT_FORMAT_CBOR,
    protocolVersion: PROTOCOL_VERSION,
  });
}

/**
 * `sign` is the operator's account key.
 * @throws {CodecError} when the document breaks a rule; `path` names the field.
 */
export async function signGenesis(
  crypto: CryptoProvider,
  document: GenesisDocument,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const payload = encode(genesisSchema.encode(document));
  checkDocument(crypto, document);
  const protectedBytes = genesisHeader(crypto, document);
  const signature = await sign(signatureStructure(protectedBytes, payload));
  return encodeSign1({ protectedBytes, payload, signature });
}

/** @throws {CodecError} when the bytes are not a well-formed genesis signed by the operator that it names. */
export function decodeGenesis(crypto: CryptoProvider, bytes: Uint8Array): Genesis {
  const sign1 = decodeSign1(bytes, LIMITS);
  if (sign1.payload === null || sign1.unprotected.size !== 0) throw new CodecError('schema', 'not a genesis');
  const document = genesisSchema.decode(decode(sign1.payload, LIMITS), 'genesis');
  checkDocument(crypto, document);
  if (!equal(genesisHeader(crypto, document), sign1.protectedBytes)) {
    throw new CodecError('schema', 'the protected header is not that of this genesis');
  }
  const message = signatureStructure(sign1.protectedBytes, sign1.payload);
  if (!crypto.verify(document.operator.accountKey, message, sign1.signature)) {
    throw new CodecError('schema', "the operator's signature does not verify");
  }
  const validators = validatorSet(
    crypto,
    document.validators.map((v) => ({
      id: genesisAccountId(crypto, v.accountKey),
      power: v.power,
      keys: v.standbyKey === undefined ? ([v.consensusKey] as const) : ([v.consensusKey, v.standbyKey] as const),
    })),
  );
  return { hash: crypto.hash('sha-256', bytes), bytes, document, validators };
}

/** What the schema cannot say: no key and no name twice, and limits that fit together. */
function checkDocument(crypto: CryptoProvider, document: GenesisDocument): void {
  const p = document.parameters;
  const refuse = (path: string, message: string): never => {
    throw new CodecError('schema', message, `genesis.${path}`);
  };
  if (p.minBlockIntervalMs > p.blockIntervalMs) refuse('parameters.minBlockIntervalMs', 'above blockIntervalMs');
  if (p.maxPruned < p.maxBlockTransactions) refuse('parameters.maxPruned', 'below maxBlockTransactions');
  const participants = [document.operator, ...document.validators];
  const keys = participants.map((x) => x.accountKey);
  for (const v of document.validators) keys.push(v.consensusKey, ...(v.standbyKey === undefined ? [] : [v.standbyKey]));
  if (hasTwice(keys.map((key) => `${key.suite}:${toHex(key.bytes)}`))) refuse('validators', 'a key is used twice');
  const nodeKeys = document.validators.map((v) => toHex(v.nodeKey));
  if (hasTwice(nodeKeys)) refuse('validators', 'a nodeKey is used twice');
  if (keys.some((key) => nodeKeys.includes(toHex(spkiHash(crypto, key)))))
    refuse('validators', 'a nodeKey is that of an account or of a validator');
  if (hasTwice(participants.map((x) => canonicalName(x.name)))) refuse('validators', 'a name is used twice');
}

function hasTwice(texts: readonly string[]): boolean {
  return new Set(texts).size !== texts.length;
}
