/**
 * What deploy/entrypoint.sh needs before a node starts, on standard output. Exit code 1 and one line when it is not to be had;
 * 75 (EX_TEMPFAIL) when it could not be asked for, so that nobody knows.
 */
import { cloudHsm } from '../../adapters/cloudhsm-cluster/cloudhsm-cluster.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { readSecret } from '../signing/secret.ts';

const USAGE = `usage: node nodes/prepare/main.ts hsm-addresses <cluster id>
       node nodes/prepare/main.ts text|soft-token <env:NAME|file:PATH|secretsmanager:ID>

hsm-addresses  the IP addresses of the ACTIVE HSMs of a CloudHSM cluster, on one line; another control plane than AWS's own
               by BROP_CLOUDHSM_ENDPOINT
text           the text of a secret, such as a certificate
soft-token     the bytes of a secret that is in base64
`;

class NotAsked extends Error {
  override readonly name = 'NotAsked';
}

async function hsmAddresses(clusterId: string): Promise<string> {
  const endpoint = process.env.BROP_CLOUDHSM_ENDPOINT;
  const asking = cloudHsm(endpoint === undefined ? {} : { endpoint }).describe(clusterId);
  const cluster = await asking.catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.name : 'failed';
    throw new NotAsked(`the CloudHSM cluster ${clusterId} cannot be asked about (${reason})`, { cause });
  });
  if (cluster === null) throw new BropError('CONFIG_INVALID', `there is no CloudHSM cluster ${clusterId}.`);
  const active = cluster.hsms.flatMap(({ state, address }) => (state === 'ACTIVE' && address !== null ? address : []));
  if (active.length === 0) throw new BropError('CONFIG_INVALID', `no HSM of the cluster ${clusterId} is ACTIVE.`);
  return active.join(' ');
}

async function softToken(reference: string): Promise<Uint8Array> {
  const text = (await readSecret(reference)).replaceAll(/\s/g, '');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return Buffer.from(text, 'base64');
  throw new BropError('CONFIG_INVALID', `${reference}: not base64.`);
}

/** EX_TEMPFAIL of sysexits.h. */
const TEMPORARY_FAILURE = 75;

const JOBS: Readonly<Record<string, (of: string) => Promise<string | Uint8Array>>> = {
  'hsm-addresses': hsmAddresses,
  'soft-token': softToken,
  text: readSecret,
};

async function main([what = '', of]: readonly string[]): Promise<number> {
  const job = Object.hasOwn(JOBS, what) ? JOBS[what] : undefined;
  if (job === undefined || of === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  process.stdout.write(await job(of));
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`prepare: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof NotAsked ? TEMPORARY_FAILURE : 1;
}
