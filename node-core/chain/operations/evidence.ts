/** evidence.register and evidence.registerBatch: digests on chain, the files stay where they are. */
import { encode } from '../../codec/cbor.ts';
import { CodecError } from '../../codec/error.ts';
import {
  array,
  bytes,
  dictionary,
  fixedBytes,
  type Infer,
  oneOf,
  record,
  type Schema,
  text,
  uint,
} from '../../codec/schema.ts';
import type { HashAlgorithm } from '../../crypto/provider.ts';
import { accountId, hash32 } from '../identifiers.ts';
import { attributes } from './attributes.ts';

export const REGISTER = 'evidence.register';
export const REGISTER_BATCH = 'evidence.registerBatch';

export const DIGEST_ALGORITHMS = ['sha-256', 'sha-512', 'sha3-256', 'sm3'] as const satisfies readonly HashAlgorithm[];
export const DIGEST_BYTES: ReadonlyMap<HashAlgorithm, number> = new Map([
  ['sha-256', 32],
  ['sha-512', 64],
  ['sha3-256', 32],
  ['sm3', 32],
]);
export const MAX_BATCH = 2 ** 20;

/** Algorithm to digest, one to four of them, each of its own length. */
export const digests: Schema<ReadonlyMap<HashAlgorithm, Uint8Array>> = (() => {
  const algorithm = oneOf(...DIGEST_ALGORITHMS);
  const inner = dictionary(algorithm, bytes({ min: 32, max: 64 }), { max: DIGEST_ALGORITHMS.length });
  const checked = (map: ReadonlyMap<string, Uint8Array>, path: string) => {
    for (const [name, digest] of map as ReadonlyMap<HashAlgorithm, Uint8Array>) {
      const length = DIGEST_BYTES.get(name);
      if (digest.length !== length) throw new CodecError('schema', `not ${length} bytes`, `${path}.${name}`);
    }
    return map as ReadonlyMap<HashAlgorithm, Uint8Array>;
  };
  return {
    decode: (value, path) => checked(inner.decode(value, path), path),
    encode: (map) => inner.encode(checked(map, 'digests')),
  };
})();

const mediaType = text({ max: 127, pattern: /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/ });
/** How the data came to be, before it was registered (online litigation rules, article 18). */
const provenance = record(
  {},
  {
    source: text({ max: 256 }),
    method: text({ max: 256 }),
    device: text({ max: 256 }),
    operator: text({ max: 256 }),
    capturedMs: uint(),
    witnesses: array(accountId, { max: 16 }),
    related: array(hash32, { max: 16 }),
  },
);

const common = {
  mediaType,
  /** What the records are about: a lot, a case, a certificate number. Records of one subject form a chain. */
  subject: text({ max: 256 }),
  /** Record ID of the subject's newest record, as the sender believes. */
  previous: hash32,
  /** A schema that the attributes follow (record-schema.ts). */
  schema: hash32,
  attributes,
  provenance,
  /** Digest of the address at which the file is hosted. */
  hosted: hash32,
  /** RFC 3161 time-stamp tokens over the digests. */
  timestamps: array(bytes({ min: 1, max: 8_192 }), { min: 1, max: 4 }),
  /** The account for which a partner registers under its own responsibility. */
  onBehalfOf: accountId,
};

export const registerBody = record({ digests }, { ...common, sizeBytes: uint() });
export type Register = Infer<typeof registerBody>;

export const registerBatchBody = record(
  {
    /** RFC 9162 SHA-256 root over {@link batchLeaf} of each digest. */
    root: fixedBytes(32),
    count: uint({ min: 1, max: MAX_BATCH }),
  },
  common,
);
export type RegisterBatch = Infer<typeof registerBatchBody>;

/** Leaf of a batch tree: the digests of one file, in the same form as in evidence.register. */
export function batchLeaf(fileDigests: ReadonlyMap<HashAlgorithm, Uint8Array>): Uint8Array {
  return encode(digests.encode(fileDigests));
}
