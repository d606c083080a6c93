/** The public API: one function behind API Gateway, with keys and a plan for each client, and WAF in front. */
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as waf from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { type Deployment, originOf, type ProxySettings } from '../deployment.ts';
import { acknowledge } from './acknowledge.ts';

export interface RestApiProps {
  readonly deployment: Deployment;
  readonly settings: ProxySettings;
  readonly handler: IFunction;
  /** Answers /v1/events/stream as it comes. */
  readonly stream: IFunction;
  /** Encrypts the log of requests. */
  readonly logKey: IKey;
}

export class RestApi extends Construct {
  readonly rest: apigateway.RestApi;
  readonly firewall: waf.CfnWebACL;

  constructor(scope: Construct, id: string, { deployment, settings, handler, stream, logKey }: RestApiProps) {
    super(scope, id);
    const accessLog = new logs.LogGroup(this, 'AccessLog', {
      retention: deployment.logRetentionDays,
      encryptionKey: logKey,
    });
    this.rest = new apigateway.RestApi(this, 'Rest', {
      restApiName: `brop-${deployment.name}`,
      description: 'BROP: the open API',
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      // Transactions and receipts are CBOR.
      binaryMediaTypes: ['*/*'],
      // Under another name nobody could log in. The emulator knows the API by no other.
      disableExecuteApiEndpoint: deployment.emulator === undefined,
      cloudWatchRole: true,
      deployOptions: {
        stageName: 'v1',
        throttlingRateLimit: settings.requestsPerSecond,
        throttlingBurstLimit: settings.requestsPerSecond * 2,
        tracingEnabled: true,
        loggingLevel: apigateway.MethodLoggingLevel.ERROR,
        accessLogDestination: new apigateway.LogGroupLogDestination(accessLog),
        accessLogFormat: ACCESS_LOG,
      },
    });
    this.route(handler, settings.keyForWrites);
    // The emulator has no streams; there the function that answers as a whole serves what there is.
    if (deployment.emulator === undefined) this.routeStream(stream);
    for (const client of settings.clients) this.admit(client);
    this.firewall = this.protect(settings.requestsPerAddressIn5Minutes);
    acknowledge(
      this.rest,
      'AwsSolutions-APIG2',
      'Every request is checked against the schemas from which the OpenAPI is made, by the function',
    );
    acknowledge(
      this.rest,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      'The role of API Gateway for its own logs, as AWS prescribes it',
    );
    new CfnOutput(this, 'Url', { value: originOf(settings, deployment) });
    if (deployment.emulator === undefined) this.giveName(settings.domain);
    new CfnOutput(this, 'ApiId', { value: this.rest.restApiId });
  }

  /** Everything goes to the function; `ANY` is what the more exact methods leave over. */
  private route(handler: IFunction, keyForWrites: boolean): void {
    const integration = new apigateway.LambdaIntegration(handler, UNSCOPED);
    for (const resource of [this.rest.root, this.rest.root.addResource('{proxy+}')]) {
      acknowledgeOpen(resource.addMethod('ANY', integration));
      if (!keyForWrites) continue;
      for (const method of WRITING) acknowledgeOpen(resource.addMethod(method, integration, { apiKeyRequired: true }));
    }
  }

  /** Nothing before the paths of the API: /v1 is theirs, and no longer the stage's. */
  private giveName({ name, certificateArn }: ProxySettings['domain']): void {
    const domain = new apigateway.DomainName(this, 'Domain', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      endpointType: apigateway.EndpointType.REGIONAL,
      securityPolicy: apigateway.SecurityPolicy.TLS_1_2,
      mapping: this.rest,
    });
    new CfnOutput(this, 'DomainTarget', {
      value: domain.domainNameAliasDomainName,
      description: `Where the name ${name} must lead (CNAME)`,
    });
  }

  private routeStream(stream: IFunction): void {
    const integration = new apigateway.LambdaIntegration(stream, {
      ...UNSCOPED,
      responseTransferMode: apigateway.ResponseTransferMode.STREAM,
      timeout: Duration.minutes(15),
    });
    acknowledgeOpen(this.rest.root.resourceForPath('v1/events/stream').addMethod('GET', integration));
  }

  private admit({ name, requestsPerSecond, burst, requestsPerMonth }: ProxySettings['clients'][number]): void {
    const plan = this.rest.addUsagePlan(`Plan-${name}`, {
      name: `${Stack.of(this).stackName}-${name}`,
      throttle: { rateLimit: requestsPerSecond, burstLimit: burst },
      ...(requestsPerMonth !== undefined && {
        quota: { limit: requestsPerMonth, period: apigateway.Period.MONTH },
      }),
      apiStages: [{ api: this.rest, stage: this.rest.deploymentStage }],
    });
    // The value is AWS's: it is in no template. Its owner reads it once in the console and hands it over.
    plan.addApiKey(this.rest.addApiKey(`Key-${name}`, { description: `BROP API, client ${name}` }));
  }

  /**
   * Bounds each address, and refuses those of known attackers. No rules on bodies: what is sent here is binary, and
   * signed, and checked byte by byte.
   */
  private protect(requestsPerAddress: number): waf.CfnWebACL {
    const visible = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      metricName,
      sampledRequestsEnabled: true,
    });
    const firewall = new waf.CfnWebACL(this, 'Firewall', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visible('brop-api'),
      rules: [
        {
          name: 'rate-of-one-address',
          priority: 0,
          action: { block: { customResponse: { responseCode: 429 } } },
          statement: { rateBasedStatement: { limit: requestsPerAddress, aggregateKeyType: 'IP' } },
          visibilityConfig: visible('rate-of-one-address'),
        },
        {
          name: 'known-attackers',
          priority: 1,
          overrideAction: { none: {} },
          statement: {
            managedRuleGroupStatement: { vendorName: 'AWS', name: 'AWSManagedRulesAmazonIpReputationList' },
          },
          visibilityConfig: visible('known-attackers'),
        },
      ],
    });
    const { region, partition } = Stack.of(this);
    const stage = this.rest.deploymentStage;
    new waf.CfnWebACLAssociation(this, 'FirewallOfStage', {
      webAclArn: firewall.attrArn,
      resourceArn: `arn:${partition}:apigateway:${region}::/restapis/${this.rest.restApiId}/stages/${stage.stageName}`,
    });
    return firewall;
  }
}

/** Methods that change something: a test holds them to docs/openapi.json. */
const WRITING = ['POST', 'PATCH', 'DELETE'];

/** One permission for the API rather than one for each method. */
const UNSCOPED = { scopePermissionToMethod: false };

function acknowledgeOpen(method: apigateway.Method): void {
  acknowledge(
    method,
    'AwsSolutions-APIG4',
    'Accounts log in at the function with the key that they have on the chain; reading is public',
  );
  acknowledge(method, 'AwsSolutions-COG4', 'No users of Cognito: accounts are on the chain');
}

/** Who, what, how long; no query, no header, no body: they may hold what is personal. */
const ACCESS_LOG = apigateway.AccessLogFormat.custom(
  JSON.stringify({
    requestId: apigateway.AccessLogField.contextRequestId(),
    time: apigateway.AccessLogField.contextRequestTime(),
    method: apigateway.AccessLogField.contextHttpMethod(),
    route: apigateway.AccessLogField.contextResourcePath(),
    status: apigateway.AccessLogField.contextStatus(),
    latencyMs: apigateway.AccessLogField.contextResponseLatency(),
    key: apigateway.AccessLogField.contextIdentityApiKeyId(),
  }),
);
