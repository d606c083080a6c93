/**
 * The ceremony that makes a CloudHSM cluster its owner's, step by step. What has been done is read from the cluster itself
 * and from the certificates in a folder: broken off at any moment, it goes on where it was. Nothing in there is secret.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudHsm, Cluster } from '../../adapters/cloudhsm-cluster/cloudhsm-cluster.ts';
import { certify, isFor } from './certificate.ts';

/** done: the cluster signs. sign, activate: what a person has to do now; then the ceremony is started again. */
export type Outcome = 'done' | 'sign' | 'activate';

export interface Ceremony {
  readonly hsm: CloudHsm;
  readonly clusterId: string;
  /** With `customerCA.crt`; the request and the cluster's certificate are put here. */
  readonly folder: string;
  /** Key of the customer's CA; null when the request is signed elsewhere, as it should be. */
  readonly caKey: string | null;
  /** How many HSMs the cluster is to have in the end. */
  readonly hsms: number;
  readonly say: (line: string) => void;
  /** Between two looks at the cluster. */
  readonly pause: () => Promise<void>;
}

export class CeremonyError extends Error {
  override readonly name = 'CeremonyError';
}

/** @throws {CeremonyError} what a person has to put right; the AWS SDK's own errors. */
export async function runCeremony(ceremony: Ceremony): Promise<Outcome> {
  const { hsm, clusterId, say, pause } = ceremony;
  const walk = new Walk(ceremony);
  let same = 0;
  for (let before = ''; ; ) {
    const cluster = await hsm.describe(clusterId);
    if (cluster === null)
      throw new CeremonyError(`there is no cluster ${clusterId} in this region: deploy the HSM stack first`);
    const seen = `the cluster is ${cluster.state}, HSMs: ${cluster.hsms.map(({ state }) => state).join(', ') || 'none'}`;
    if (seen !== before) say(seen);
    same = seen === before ? same + 1 : 0;
    before = seen;
    const outcome = await walk.step(cluster);
    if (outcome !== 'wait') return outcome;
    walk.mayWait(same, seen);
    await pause();
  }
}

/** Looks at a cluster in which nothing changes: at 15 s from one to the next half an hour; AWS makes an HSM in some ten minutes. */
const MOST_LOOKS = 120;
/** After a call whose answer was an error: what was carried out all the same shows within moments. */
const MOST_LOOKS_AFTER_ERROR = 8;

const PASSING = ['CREATE_IN_PROGRESS', 'INITIALIZE_IN_PROGRESS', 'UPDATE_IN_PROGRESS'];

class Walk {
  private readonly ceremony: Ceremony;
  /** HSMs that were there when one was asked for: until there are more, no second one is. */
  private asked: number | null = null;
  /** What asking for it was answered with. */
  private refusal: { readonly error: unknown } | null = null;
  private wanted = '';
  private isInitializing = false;

  constructor(ceremony: Ceremony) {
    this.ceremony = ceremony;
  }

  async step(cluster: Cluster): Promise<Outcome | 'wait'> {
    // It is there after all; that it takes its time is another matter.
    if (cluster.hsms.length > (this.asked ?? 0)) this.refusal = null;
    if (PASSING.includes(cluster.state)) return 'wait';
    switch (cluster.state) {
      case 'UNINITIALIZED':
        return this.claim(cluster);
      case 'INITIALIZED':
        return 'activate';
      case 'ACTIVE':
        return this.complete(cluster);
      default:
        throw new CeremonyError(`the cluster is ${cluster.state}: the CloudHSM console says why`);
    }
  }

  /** @throws {CeremonyError} when it has been waited for in vain for long. @param same looks without a change. */
  mayWait(same: number, seen: string): void {
    if (this.refusal !== null && same >= MOST_LOOKS_AFTER_ERROR) throw this.refusal.error;
    if (same < MOST_LOOKS) return;
    const what = this.wanted === '' ? '' : ` after it was asked for ${this.wanted}`;
    throw new CeremonyError(`${seen}, and nothing has changed for ${same} looks${what}: the CloudHSM console says why`);
  }

  /** The first HSM makes a request; with its certificate the cluster is initialised. */
  private async claim(cluster: Cluster): Promise<Outcome | 'wait'> {
    const { hsm, clusterId, folder, caKey, say } = this.ceremony;
    if (cluster.hsms.length === 0) return this.create(cluster);
    if (cluster.csr === null || this.isInitializing) return 'wait';
    const paths = filesOf(folder, clusterId);
    // The cluster has it, not we: another HSM than last time has another request.
    writeFileSync(paths.csr, cluster.csr);
    if (!existsSync(paths.ca))
      throw new CeremonyError(`${paths.ca}: the certificate of your CA is missing (see --help)`);
    if (!(await isFor(paths))) {
      if (caKey === null) return 'sign';
      say(`signing ${paths.csr} with ${caKey}`);
      await certify(paths, caKey);
    }
    say('initialising the cluster with its certificate');
    this.isInitializing = true;
    this.wanted = 'its initialisation';
    await hsm.initialize(clusterId, readFileSync(paths.certificate, 'utf8'), readFileSync(paths.ca, 'utf8'));
    return 'wait';
  }

  /** The others are made from the first one's backup, by AWS. */
  private async complete(cluster: Cluster): Promise<Outcome | 'wait'> {
    if (cluster.hsms.length < this.ceremony.hsms) return this.create(cluster);
    return cluster.hsms.every(({ state }) => state === 'ACTIVE') ? 'done' : 'wait';
  }

  private async create({ hsms, availabilityZones }: Cluster): Promise<'wait'> {
    const { hsm, clusterId, say } = this.ceremony;
    if (this.asked === hsms.length) return 'wait';
    const used = (zone: string) => hsms.filter(({ availabilityZone }) => availabilityZone === zone).length;
    const [zone] = [...availabilityZones].sort((a, b) => used(a) - used(b));
    if (zone === undefined) throw new CeremonyError('the cluster has no subnet to make an HSM in');
    say(`making HSM ${hsms.length + 1} in ${zone}`);
    this.asked = hsms.length;
    this.wanted = `HSM ${hsms.length + 1} in ${zone}`;
    this.refusal = null;
    try {
      await hsm.createHsm(clusterId, zone);
    } catch (error) {
      if (isRefused(error)) throw error;
      // Perhaps only the answer was lost: a second HSM must not be asked for before it is known.
      say('no answer to that: looking whether it is made all the same');
      this.refusal = { error };
    }
    return 'wait';
  }
}

/** AWS has said no: nothing was made. */
function isRefused(error: unknown): boolean {
  const status =
    (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
  return status >= 400 && status < 500;
}

export interface CertificateFiles {
  readonly csr: string;
  readonly ca: string;
  readonly certificate: string;
}

/** By the names that AWS's own guide gives them. */
export function filesOf(folder: string, clusterId: string): CertificateFiles {
  return {
    csr: join(folder, `${clusterId}_ClusterCsr.csr`),
    ca: join(folder, 'customerCA.crt'),
    certificate: join(folder, `${clusterId}_CustomerHsmCertificate.crt`),
  };
}
