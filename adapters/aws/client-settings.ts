/** How every client of an AWS service is made. */

/**
 * Region, credentials and endpoint (AWS_REGION, AWS_ENDPOINT_URL …) are those of the environment, as the SDK reads them.
 * Without the time-outs a request may hang for ever; without `throwOnRequestTimeout` the SDK only warns. The time-out of a
 * request ends with the head of its answer; that of the socket is for a body, between two pieces of it.
 */
export const CLIENT_SETTINGS = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 10_000,
    socketTimeout: 10_000,
    throwOnRequestTimeout: true,
  },
} as const;

/** Emulators serve all buckets under one host. */
export function pathStyle(environment: NodeJS.ProcessEnv): { readonly forcePathStyle: boolean } {
  return {
    forcePathStyle: environment.AWS_ENDPOINT_URL !== undefined || environment.AWS_ENDPOINT_URL_S3 !== undefined,
  };
}
