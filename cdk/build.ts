/** The stacks of one deployment, in the order in which they follow from each other. */
import { type App, Aspects, Tags } from 'aws-cdk-lib';
import type { Deployment } from './deployment.ts';
import { LeaveOutUnknown } from './emulator.ts';
import { DataStack } from './stacks/data.ts';
import { HsmStack } from './stacks/hsm.ts';
import { MonitoringStack } from './stacks/monitoring.ts';
import { NetworkStack } from './stacks/network.ts';
import { ProxyStack } from './stacks/proxy.ts';
import { SiteStack } from './stacks/site.ts';
import { ValidatorStack } from './stacks/validator.ts';

export interface Stacks {
  readonly network: NetworkStack;
  readonly data: DataStack;
  readonly hsm: HsmStack | undefined;
  readonly validators: readonly ValidatorStack[];
  readonly site: SiteStack | undefined;
  readonly proxy: ProxyStack | undefined;
  readonly monitoring: MonitoringStack;
}

/** @param bundles folder of the functions' bundles @throws {DeploymentError} when one is missing */
export function build(app: App, deployment: Deployment, bundles: string): Stacks {
  const { account, region, name, cloudHsm } = deployment;
  // A stack that others use cannot take away what they use.
  app.node.setContext('@aws-cdk/core:defaultCrossStackReferences', 'strong');
  const props = { env: { account, region } };
  const id = (part: string) => `Brop-${name}-${part}`;
  const network = new NetworkStack(app, id('Network'), deployment, props);
  const data = new DataStack(app, id('Data'), deployment, props);
  const hsm = cloudHsm && new HsmStack(app, id('Hsm'), { ...props, settings: cloudHsm, network });
  const validators = deployment.validators.map(
    (settings, i) =>
      new ValidatorStack(app, id(`Validator${i}`), {
        ...{ ...props, deployment, settings, network, data: data.validators[i]! },
        ...(hsm !== undefined && settings.signer.driver !== 'kms' && { hsm }),
      }),
  );
  const site =
    data.proxy && new SiteStack(app, id('Site'), { ...props, data: data.proxy, accessLogs: data.accessLogs });
  const proxy =
    deployment.proxy &&
    new ProxyStack(app, id('Proxy'), {
      ...{ ...props, deployment, settings: deployment.proxy, network, data: data.proxy!, bundles },
    });
  const monitoring = new MonitoringStack(app, id('Monitoring'), { ...props, deployment, validators, proxy });
  Tags.of(app).add('brop:deployment', name);
  if (deployment.emulator !== undefined) Aspects.of(app).add(new LeaveOutUnknown());
  return { network, data, hsm, validators, site, proxy, monitoring };
}
