// Makes a CloudHSM cluster ready to sign votes: first HSM, request, certificate of the customer's CA, initialisation, what
// a person has to do for the activation, second HSM. The steps are in scripts/cloudhsm/, the why in docs/runbook.md.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cloudHsm } from '../adapters/cloudhsm-cluster/cloudhsm-cluster.ts';
import { filesOf, type Outcome, runCeremony } from './cloudhsm/ceremony.ts';

const USAGE = `usage: node scripts/cloudhsm-ceremony.ts --cluster <id> [--folder <folder>] [--ca-key <file>] [--hsms <n>]
                                             [--region <region>] [--endpoint <url>]

Brings a CloudHSM cluster from its creation to the state in which a validator can sign with it. Start it as often as
you like: it looks at the cluster (DescribeClusters) and at the certificates in the folder, does what comes next, and stops
where a person has to act. Nothing secret is stored or printed.

  1. makes the first HSM (about 1.6 USD an hour from here on), and waits for its request
  2. writes <cluster>_ClusterCsr.csr, and has it signed by your CA:
       with --ca-key      here, by openssl
       without            stops; sign it where the CA's key is, put <cluster>_CustomerHsmCertificate.crt into the folder, and
                          start again. The CA's key proves for ever that the cluster is yours: keep it offline.
  3. initialises the cluster with that certificate, once and for all
  4. stops for the activation, which only the CloudHSM CLI in the cluster's network can do: it sets the password of the
     first admin. What to type is printed.
  5. once the cluster is ACTIVE, makes further HSMs in other zones, up to --hsms

Your CA, once, on a machine that stays offline (openssl asks for a passphrase):
  openssl genrsa -aes256 -out customerCA.key 2048
  openssl req -new -x509 -days 3652 -key customerCA.key -out customerCA.crt
Only customerCA.crt comes here, and later into the image of the node.

--cluster   ID of the cluster (output ClusterId of the HSM stack)
--folder    where customerCA.crt is and the request goes; default: here
--ca-key    key of the CA, to sign here
--hsms      HSMs in the end, 1 to 6; default 2. With one alone a failed HSM is a lost key
--region    default: AWS_REGION
--endpoint  another control plane than AWS's own

Exit code: 0 the cluster is ACTIVE with its HSMs, 3 a person has to act now, 1 failed, 2 wrong usage.
`;

const PAUSE_MS = 15_000;

function advice(outcome: Outcome, folder: string, clusterId: string): string {
  const { csr, ca, certificate } = filesOf(folder, clusterId);
  if (outcome === 'sign') {
    return `Now sign the request where the key of your CA is, and start this again:

  openssl x509 -req -days 3652 -in ${csr} \\
    -CA ${ca} -CAkey customerCA.key -CAcreateserial -out ${certificate}
`;
  }
  if (outcome === 'activate') {
    return `Now activate the cluster, from a machine in its network (the API cannot), and start this again:

  sudo /opt/cloudhsm/bin/configure-cli -a <address of the HSM> --hsm-ca-cert customerCA.crt
  /opt/cloudhsm/bin/cloudhsm-cli interactive
    cluster activate          asks for the new password of the user admin
    login --username admin --role admin
    user create --username brop --role crypto-user
    quit
`;
  }
  return `The cluster is ready. The key that signs votes is made by the crypto user, in the CloudHSM CLI:

  login --username brop --role crypto-user
  key generate-asymmetric-pair ec --curve secp256r1 --public-label votes --private-label votes \\
    --private-attributes sign=true extractable=false --public-attributes verify=true

Its PIN for PKCS#11 is <crypto user>:<password>; put it into Secrets Manager and let the config name it.
`;
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const options = { cluster: text, folder: text, 'ca-key': text, hsms: text, region: text, endpoint: text } as const;
  const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } });
  const { cluster: clusterId, folder = '.', region, endpoint } = values;
  const hsms = Number(values.hsms ?? '2');
  if (values.help === true || clusterId === undefined || !(Number.isInteger(hsms) && hsms >= 1 && hsms <= 6)) {
    (values.help === true ? process.stdout : process.stderr).write(USAGE);
    return values.help === true ? 0 : 2;
  }
  const hsm = cloudHsm({ ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) });
  const outcome = await runCeremony({
    ...{ hsm, clusterId, folder, hsms, caKey: values['ca-key'] ?? null },
    say: (line) => process.stderr.write(`${line}\n`),
    pause: () => sleep(PAUSE_MS),
  });
  process.stdout.write(advice(outcome, folder, clusterId));
  return outcome === 'done' ? 0 : 3;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`cloudhsm-ceremony: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
