/**
 * The protected headers of everything that is signed. Chain, protocol version and message type are in each, so that a
 * signature given for one purpose is worthless for any other.
 */
import type { CborKey, CborMap, CborValue } from '../codec/cbor.ts';
import { encode } from '../codec/cbor.ts';
import { label } from '../crypto/cose-labels.ts';

export const MESSAGE_TYPE = {
  genesis: 'application/vnd.brop.genesis',
  transaction: 'application/vnd.brop.transaction',
  proposal: 'application/vnd.brop.proposal',
  prevote: 'application/vnd.brop.prevote',
  precommit: 'application/vnd.brop.precommit',
  precommitNil: 'application/vnd.brop.precommit-nil',
  setApproval: 'application/vnd.brop.set-approval',
  challenge: 'application/vnd.brop.challenge',
} as const;

/** CoAP Content-Format of application/cbor (RFC 7252 registry). */
export const CONTENT_FORMAT_CBOR = 60;
/** RFC 9942 verifiable data structure: the Merkle log of RFC 9162 with SHA-256. */
export const VDS_RFC9162_SHA256 = 1;
const CWT_ISS = 1;
const CWT_SUB = 2;

export interface HeaderFields {
  readonly algorithm: number;
  readonly keyId: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  readonly type: (typeof MESSAGE_TYPE)[keyof typeof MESSAGE_TYPE];
  readonly contentFormat?: number;
  readonly verifiableDataStructure?: number;
  readonly chain?: Uint8Array;
  readonly protocolVersion: number;
  readonly height?: number;
  readonly round?: number;
  readonly headerHash?: Uint8Array;
}

export function encodeProtectedHeader(fields: HeaderFields): Uint8Array {
  const map = new Map<CborKey, CborValue>([
    [label.alg, fields.algorithm],
    [label.kid, fields.keyId],
    [
      label.cwtClaims,
      new Map<CborKey, CborValue>([
        [CWT_ISS, fields.issuer],
        [CWT_SUB, fields.subject],
      ]),
    ],
    [label.typ, fields.type],
    [label.protocolVersion, fields.protocolVersion],
  ]);
  const optional: [number, CborValue | undefined][] = [
    [label.contentType, fields.contentFormat],
    [label.vds, fields.verifiableDataStructure],
    [label.chain, fields.chain],
    [label.height, fields.height],
    [label.round, fields.round],
    [label.headerHash, fields.headerHash],
  ];
  for (const [key, value] of optional) if (value !== undefined) map.set(key, value);
  return encode(map);
}

/** The fields of a decoded header, unchecked but for their CBOR types; undefined where a label is absent or mistyped. */
export function readProtectedHeader(
  header: CborMap,
): Partial<Record<keyof HeaderFields, CborValue>> & { size: number } {
  const claims = header.get(label.cwtClaims);
  const cwt = claims instanceof Map ? (claims as CborMap) : undefined;
  const out: Record<string, CborValue | undefined> = {
    algorithm: header.get(label.alg),
    keyId: header.get(label.kid),
    issuer: cwt?.size === 2 ? cwt.get(CWT_ISS) : undefined,
    subject: cwt?.size === 2 ? cwt.get(CWT_SUB) : undefined,
    type: header.get(label.typ),
    contentFormat: header.get(label.contentType),
    chain: header.get(label.chain),
    protocolVersion: header.get(label.protocolVersion),
  };
  return { ...(out as Partial<Record<keyof HeaderFields, CborValue>>), size: header.size };
}
