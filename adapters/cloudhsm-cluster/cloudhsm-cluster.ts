/** The control plane of AWS CloudHSM: what a cluster is in, and the calls that bring it on. No key ever passes here. */
import {
  CloudHSMV2Client,
  CreateHsmCommand,
  DescribeClustersCommand,
  InitializeClusterCommand,
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

/**
 * @param endpoint must be given for any other than AWS's own: this client knows no AWS_ENDPOINT_URL.
 * All calls throw the AWS SDK's own errors.
 */
export function cloudHsm({
  region,
  endpoint,
}: {
  readonly region?: string;
  readonly endpoint?: string;
} = {}): CloudHsm {
  const client = new CloudHSMV2Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  });
  return {
    describe: async (id) => {
      const { Clusters = [] } = await client.send(new DescribeClustersCommand({ Filters: { clusterIds: [id] } }));
      const found = Clusters.find(({ ClusterId }) => ClusterId === id);
      if (found === undefined || found.State === 'DELETED') return null;
      const { State = '', Hsms = [], SubnetMapping = {}, Certificates } = found;
      return {
        id,
        state: State,
        hsms: Hsms.filter(({ State: state }) => state !== 'DELETED').map((hsm) => ({
          id: hsm.HsmId ?? '',
          state: hsm.State ?? '',
          address: hsm.EniIp ?? null,
          availabilityZone: hsm.AvailabilityZone ?? '',
        })),
        availabilityZones: Object.keys(SubnetMapping).sort(),
        csr: Certificates?.ClusterCsr ?? null,
      };
    },
    createHsm: async (ClusterId, AvailabilityZone) => {
      await client.send(new CreateHsmCommand({ ClusterId, AvailabilityZone }));
    },
    initialize: async (ClusterId, SignedCert, TrustAnchor) => {
      await client.send(new InitializeClusterCommand({ ClusterId, SignedCert, TrustAnchor }));
    },
  };
}
