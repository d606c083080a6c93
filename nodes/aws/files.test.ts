/** S3 that begins an answer and never ends it: nobody waits for ever, and nobody who stops waits at all. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { openBlobsS3 } from '../../adapters/blobs-s3/blobs-s3.ts';
import { openS3Source } from './files.ts';

let server: Server;
let endpoint: string;
/** Resolves with the next answer that has begun. */
let begun: () => Promise<void>;

beforeAll(async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Length': 1_000 });
    response.write('the beginning', () => server.emit('begun'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  begun = async () => void (await once(server, 'begun'));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

it('a body of which nothing comes any more fails after a while', async () => {
  const { requestHandler } = CLIENT_SETTINGS;
  const client = new S3Client({
    ...{ ...CLIENT_SETTINGS, forcePathStyle: true },
    // The same settings, fifty times as fast.
    requestHandler: { ...requestHandler, socketTimeout: requestHandler.socketTimeout / 50 },
  });
  const reading = openBlobsS3({ client, bucket: 'files', prefix: '' }).read('anchor.cbor');
  await expect(reading).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('s3://files/anchor.cbor'),
  });
  client.destroy();
});

it('a source that is closed gives up what is being read, and reads nothing after that', async () => {
  const source = openS3Source('s3://files/chain', 'fileSources');
  const answer = begun();
  const reading = source.files.read('anchor.cbor');
  await answer;
  source.close();
  // By the signal, and not by a time-out that would have come anyway.
  for (const given of [reading, source.files.read('anchor.cbor')])
    await expect(given).rejects.toMatchObject({ code: 'io', message: expect.stringMatching(/ failed: AbortError$/) });
});
