import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/*
 * A self-signed X.509 v3 certificate (RFC 5280 §4.1) that carries a key and nothing else. Peers look only at the
 * fingerprint of the key; the fields are what TLS libraries need to parse. Forty lines of DER, because the certificate
 * libraries of npm bring a decorator and dependency-injection framework into every node for it.
 */
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const VERSION = 0xa0;

const ECDSA_WITH_SHA256 = '2a8648ce3d040302'; // 1.2.840.10045.4.3.2, RFC 5758 §3.2
const COMMON_NAME = '550403'; // 2.5.4.3

/** Valid from 2020 to the date that RFC 5280 §4.1.2.5 reserves for "no well-defined expiration". DER. */
export function selfSignedCertificate(privateKey: KeyObject, commonName: string): Buffer {
  const algorithm = der(SEQUENCE, der(OBJECT_IDENTIFIER, Buffer.from(ECDSA_WITH_SHA256, 'hex')));
  const name = der(
    SEQUENCE,
    der(
      SET,
      der(SEQUENCE, der(OBJECT_IDENTIFIER, Buffer.from(COMMON_NAME, 'hex')), der(UTF8_STRING, Buffer.from(commonName))),
    ),
  );
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, Buffer.from('200101000000Z')),
    der(GENERALIZED_TIME, Buffer.from('99991231235959Z')),
  );
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', body, privateKey);
  return der(SEQUENCE, body, algorithm, der(BIT_STRING, Buffer.from([0]), signature));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
