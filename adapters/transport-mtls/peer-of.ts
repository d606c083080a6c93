import type { TLSSocket } from 'node:tls';
import type { PeerId } from '../../node-core/ports/transport.ts';
import { peerIdOf } from './identity.ts';

/**
 * The key that the other side has proved to hold (TLS 1.3 CertificateVerify, which OpenSSL checks whatever else is
 * switched off); undefined when it showed no certificate, or one that cannot be read.
 */
export function peerOf(socket: TLSSocket): PeerId | undefined {
  try {
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined ? undefined : peerIdOf(certificate.publicKey);
  } catch {
    return undefined;
  }
}
