/** Whether the CloudHSM behind a primary key is there to be asked. */
import { connect } from 'node:net';
import type { Log } from '../../node-core/ports/log.ts';
import type { AutoSignerConfig } from './signer-config.ts';

/** Where an HSM takes connections of the client (CloudHSM user guide: ports 2223 to 2225). */
const HSM_PORT = 2223;
const CONNECT_MS = 3_000;
/**
 * In which a cluster has keys that its HSMs sign with: also while an HSM is replaced, or one of several is broken. Falling back
 * is for good, so what counts is whether an HSM answers.
 */
const SERVING: readonly string[] = ['ACTIVE', 'UPDATE_IN_PROGRESS', 'MODIFY_IN_PROGRESS', 'DEGRADED'];

/**
 * Why the primary key cannot be had, or null when it is worth trying. A cluster that cannot be asked about is: its HSMs
 * do not depend on the control plane.
 * @param port of the HSMs; another one in tests.
 */
export async function clusterOutage(
  { cluster, primary }: AutoSignerConfig,
  log: Log,
  port = HSM_PORT,
): Promise<string | null> {
  if (cluster === undefined) {
    log.info('there is no CloudHSM: the primary key is where the config says', { driver: primary.driver });
    return null;
  }
  const { id, region, endpoint } = cluster;
  const options = { ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) };
  try {
    // Loaded when it is wanted: a node elsewhere is smaller without the SDK.
    const { cloudHsm } = await import('../../adapters/cloudhsm-cluster/cloudhsm-cluster.ts');
    const found = await cloudHsm(options).describe(id);
    if (found === null) return `there is no CloudHSM cluster ${id}`;
    if (!SERVING.includes(found.state)) return `the CloudHSM cluster ${id} is ${found.state}`;
    const addresses = found.hsms.flatMap(({ state, address }) =>
      state === 'ACTIVE' && address !== null ? address : [],
    );
    if (addresses.length === 0) return `no HSM of the cluster ${id} is ACTIVE`;
    const reachable = await Promise.all(addresses.map((address) => isReachable(address, port)));
    return reachable.includes(true) ? null : `no HSM of the cluster ${id} answers at ${addresses.join(', ')}`;
  } catch (error) {
    log.warn('the CloudHSM cluster cannot be asked about', {
      cluster: id,
      error: error instanceof Error ? error.name : '',
    });
    return null;
  }
}

function isReachable(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}
