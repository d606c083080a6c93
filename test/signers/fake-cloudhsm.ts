/** The control plane of AWS CloudHSM over HTTP, as far as it is used: AWS JSON 1.1, one cluster, states that move on. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type State =
  | 'CREATE_IN_PROGRESS'
  | 'UNINITIALIZED'
  | 'INITIALIZE_IN_PROGRESS'
  | 'INITIALIZED'
  | 'ACTIVE'
  | 'UPDATE_IN_PROGRESS'
  | 'DEGRADED';

interface FakeHsm {
  readonly HsmId: string;
  readonly AvailabilityZone: string;
  readonly EniIp: string;
  State: 'CREATE_IN_PROGRESS' | 'ACTIVE' | 'DEGRADED';
}

export interface FakeCloudHsm {
  readonly endpoint: string;
  readonly clusterId: string;
  state: State;
  readonly hsms: FakeHsm[];
  /** What the first HSM wants signed; answered with once there is one. */
  csr: string;
  /** Names of the calls that were carried out, in their order. */
  readonly calls: string[];
  /** What InitializeCluster was given. */
  initializedWith: { readonly SignedCert: string; readonly TrustAnchor: string } | null;
  /** The next call is carried out and its answer lost, or refused with this error. */
  fault: 'answer lost' | { readonly error: string } | null;
  close(): Promise<void>;
}

const ZONES = ['eu-central-1a', 'eu-central-1b'];

export async function fakeCloudHsm(state: State = 'UNINITIALIZED'): Promise<FakeCloudHsm> {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const name = String(request.headers['x-amz-target']).split('.').at(-1)!;
      const { fault } = fake;
      fake.fault = null;
      if (typeof fault === 'object' && fault !== null) return refuse(response, fault.error);
      const answer = handle(fake, name, body);
      if (fault === 'answer lost') return request.socket.destroy();
      if (typeof answer === 'string') return refuse(response, answer);
      fake.calls.push(name);
      response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeCloudHsm = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clusterId: 'cluster-1234567890a',
    ...{ state, hsms: [], csr: '', calls: [], initializedWith: null, fault: null },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return fake;
}

interface Body {
  readonly Filters?: { readonly clusterIds?: readonly string[] };
  readonly ClusterId?: string;
  readonly AvailabilityZone?: string;
  readonly SignedCert?: string;
  readonly TrustAnchor?: string;
}

/** The answer, or the name of an error. Each look lets what is in progress come to its end. */
function handle(fake: FakeCloudHsm, name: string, body: Body): object | string {
  switch (name) {
    case 'DescribeClusters': {
      const filter = body.Filters?.clusterIds ?? [fake.clusterId];
      const answer = { Clusters: filter.includes(fake.clusterId) ? [describe(fake)] : [] };
      for (const hsm of fake.hsms) if (hsm.State === 'CREATE_IN_PROGRESS') hsm.State = 'ACTIVE';
      if (fake.state === 'CREATE_IN_PROGRESS') fake.state = 'UNINITIALIZED';
      if (fake.state === 'INITIALIZE_IN_PROGRESS') fake.state = 'INITIALIZED';
      return answer;
    }
    case 'CreateHsm': {
      const { ClusterId, AvailabilityZone = '' } = body;
      if (ClusterId !== fake.clusterId || !ZONES.includes(AvailabilityZone)) return 'CloudHsmInvalidRequestException';
      const HsmId = `hsm-${fake.hsms.length + 1}`;
      fake.hsms.push({ HsmId, AvailabilityZone, EniIp: '127.0.0.1', State: 'CREATE_IN_PROGRESS' });
      return { Hsm: fake.hsms.at(-1) };
    }
    case 'InitializeCluster': {
      if (fake.state !== 'UNINITIALIZED' || fake.hsms[0]?.State !== 'ACTIVE') return 'CloudHsmInvalidRequestException';
      fake.initializedWith = { SignedCert: body.SignedCert ?? '', TrustAnchor: body.TrustAnchor ?? '' };
      fake.state = 'INITIALIZE_IN_PROGRESS';
      return { State: fake.state };
    }
    default:
      return 'CloudHsmInvalidRequestException';
  }
}

function describe(fake: FakeCloudHsm): object {
  const hasCsr = fake.state === 'UNINITIALIZED' && fake.hsms[0]?.State === 'ACTIVE';
  return {
    ClusterId: fake.clusterId,
    State: fake.state,
    Hsms: fake.hsms.map((hsm) => ({ ...hsm, ClusterId: fake.clusterId })),
    SubnetMapping: Object.fromEntries(ZONES.map((zone) => [zone, 'subnet-1'])),
    Certificates: hasCsr ? { ClusterCsr: fake.csr } : {},
  };
}

function refuse(response: ServerResponse, error: string): void {
  const type = { 'Content-Type': 'application/x-amz-json-1.1', 'x-amzn-ErrorType': error };
  response.writeHead(400, type).end(JSON.stringify({ __type: error, message: error }));
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Body;
}
