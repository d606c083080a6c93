/** The certificate of a cluster, by OpenSSL: signed by the customer's CA, for the key in the cluster's request. */
import { execFile } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { promisify } from 'node:util';
import type { CertificateFiles } from './ceremony.ts';

const run = promisify(execFile);
/** Ten years, as AWS's guide has it: an initialised cluster cannot be given another one. */
const DAYS = '3652';

/** Asks for the passphrase of the CA's key by itself when it has one. @throws {Error} with what OpenSSL says. */
export async function certify({ csr, ca, certificate }: CertificateFiles, caKey: string): Promise<void> {
  const partial = `${certificate}.partial`;
  const signing = ['-req', '-days', DAYS, '-in', csr, '-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-out', partial];
  await run('openssl', ['x509', ...signing]);
  renameSync(partial, certificate);
}

/** Whether the certificate is there, is signed by the CA, and is for the key in the request. */
export async function isFor({ csr, ca, certificate }: CertificateFiles): Promise<boolean> {
  if (!existsSync(certificate)) return false;
  try {
    await run('openssl', ['verify', '-CAfile', ca, certificate]);
    const wanted = await run('openssl', ['req', '-in', csr, '-noout', '-pubkey']);
    const found = await run('openssl', ['x509', '-in', certificate, '-noout', '-pubkey']);
    return wanted.stdout === found.stdout;
  } catch {
    return false;
  }
}
