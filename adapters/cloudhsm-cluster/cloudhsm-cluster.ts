/** The control plane of AWS CloudHSM: what a cluster is in, and the calls that bring it on. No key ever passes here. */
import {
  CloudHSMV2Client,
  CreateHsmCommand,
  DescribeClustersCommand,
  InitializeClusterCommand,
  type Cluster as SdkCluster,
} from '@aws-sdk/client-cloudhsm-v2';

export interface Hsm {
  readonly id: string;
  /** CREATE_IN_PROGRESS, ACTIVE, DEGRADED, DELETE_IN_PROGRESS or DELETED. */
  readonly state: string;
  /** IP address of its network interface; null while it has none. */
  readonly address: string | null;
  readonly availabilityZone: string;
}

export interface Cluster {
  readonly id: string;
  /** CREATE_IN_PROGRESS, UNINITIALIZED, INITIALIZE_IN_PROGRESS, INITIALIZED, ACTIVE, DEGRADED … (API, Cluster.State). */
  readonly state: string;
  readonly hsms: readonly Hsm[];
  /** Where an HSM can be made. */
  readonly availabilityZones: readonly string[];
  /** PEM; there from the first HSM on, until the cluster is initialised. */
  readonly csr: string | null;
}

export interface CloudHsm {
  /** Null when there is no such cluster. */
  describe(clusterId: string): Promise<Cluster | null>;
  createHsm(clusterId: string, availabilityZone: string): Promise<void>;
  /** Both PEM: the cluster's certificate, and that of the customer's CA which has signed it. */
  initialize(clusterId: string, certificate: string, trustAnchor: string): Promise<void>;
}

/** This SDK tries once more than `maxAttempts` says (a test found it): it is told so in its own terms. */
const NEVER_AGAIN = {
  acquireInitialRetryToken: async () => ({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
  refreshRetryTokenForRetry: async () => Promise.reject(new Error('sent once')),
  recordSuccess: () => {},
};
/** With the SDK's three attempts; a node that starts waits for it. */
const DESCRIBE_MS = 20_000;

/**
 * @param endpoint must be given for any other than AWS's own: this client knows no AWS_ENDPOINT_URL.
 * All calls throw the AWS SDK's own errors. What changes a cluster is sent once: a call whose answer is lost may have been
 * carried out, and an HSM more is 1,000 USD a month; look with `describe` before you send it again.
 */
export function cloudHsm(options: { readonly region?: string; readonly endpoint?: string } = {}): CloudHsm {
  const client = new CloudHSMV2Client(options);
  const once = new CloudHSMV2Client({ ...options, retryStrategy: NEVER_AGAIN });
  return {
    describe: async (id) => {
      const command = new DescribeClustersCommand({ Filters: { clusterIds: [id] } });
      const { Clusters = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(DESCRIBE_MS) });
      const found = Clusters.find(({ ClusterId }) => ClusterId === id);
      return found === undefined || found.State === 'DELETED' ? null : clusterOf(id, found);
    },
    createHsm: async (ClusterId, AvailabilityZone) => {
      await once.send(new CreateHsmCommand({ ClusterId, AvailabilityZone }));
    },
    initialize: async (ClusterId, SignedCert, TrustAnchor) => {
      await once.send(new InitializeClusterCommand({ ClusterId, SignedCert, TrustAnchor }));
    },
  };
}

function clusterOf(id: string, { State = '', Hsms = [], SubnetMapping = {}, Certificates }: SdkCluster): Cluster {
  const hsms = Hsms.filter(({ State: state }) => state !== 'DELETED').map((hsm) => ({
    id: hsm.HsmId ?? '',
    state: hsm.State ?? '',
    address: hsm.EniIp ?? null,
    availabilityZone: hsm.AvailabilityZone ?? '',
  }));
  const availabilityZones = Object.keys(SubnetMapping).sort();
  return { id, state: State, hsms, availabilityZones, csr: Certificates?.ClusterCsr ?? null };
}
