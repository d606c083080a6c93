import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { nameOf, Persistence, passes } from './persistence.ts';

function listening() {
  const lines: [string, object | undefined][] = [];
  const say = (message: string, fields?: object) => void lines.push([message, fields]);
  return { log: { debug: say, info: say, warn: say, error: say }, lines };
}

const throttled = () =>
  Object.assign(new Error('too fast'), { name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } });
const refused = () =>
  Object.assign(new Error('may not'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } });

describe('what passes by itself', () => {
  it.each([
    [throttled(), true],
    [Object.assign(new Error(), { name: 'InternalServerError', $metadata: { httpStatusCode: 500 } }), true],
    [Object.assign(new Error(), { name: 'SlowDown', $metadata: { httpStatusCode: 503 } }), true],
    [Object.assign(new Error(), { code: 'ECONNREFUSED' }), true],
    [Object.assign(new Error(), { name: 'TimeoutError' }), true],
    [Object.assign(new Error(), { name: 'CredentialsProviderError' }), true],
    [Object.assign(new Error(), { name: 'ExpiredTokenException', $metadata: { httpStatusCode: 400 } }), true],
    [refused(), false],
    [
      Object.assign(new Error(), { name: 'ConditionalCheckFailedException', $metadata: { httpStatusCode: 400 } }),
      false,
    ],
    [new TypeError('a bug'), false],
    ['text', false],
  ])('%o: %s', (error, expected) => expect(passes(error)).toBe(expected));
});

describe('the name of a failure', () => {
  it('is AWS’s or the system’s, without the text', () => {
    expect(nameOf(refused())).toBe('AccessDeniedException');
    expect(nameOf(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
  });

  it('says what to do where the environment names no region', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    const asked = new DynamoDBClient({}).send(new GetItemCommand({ TableName: 't', Key: {} }));
    expect(nameOf(await asked.catch((error: unknown) => error))).toBe('AWS_REGION is not set');
    vi.unstubAllEnvs();
  });
});

describe('waiting', () => {
  it('tries again until there is an answer, and says so once at each end', async () => {
    const { log, lines } = listening();
    let tries = 0;
    const outcome = await new Persistence({ log, firstWaitMs: 1 }).run('a write', async () => {
      if (++tries < 8) throw throttled();
      return 'done';
    });
    expect([outcome, tries]).toEqual(['done', 8]);
    expect(lines.map(([message]) => message)).toEqual(['AWS is waited for', 'AWS answers again']);
    expect(lines[0]![1]).toMatchObject({ what: 'a write', error: 'ThrottlingException' });
  });

  it('throws at once what AWS refuses', async () => {
    const { log, lines } = listening();
    const asked = new Persistence({ log }).run('a write', () => Promise.reject(refused()));
    await expect(asked).rejects.toThrow('may not');
    expect(lines).toEqual([]);
  });

  it('ends with the last failure when it is told to, or when its patience is over', async () => {
    const { log } = listening();
    const stop = new AbortController();
    const asked = new Persistence({ log, signal: stop.signal, firstWaitMs: 60_000 }).run('x', () =>
      Promise.reject(throttled()),
    );
    stop.abort();
    await expect(asked).rejects.toThrow('too fast');
    const short = new Persistence({ log, patienceMs: 20, firstWaitMs: 1 }).run('x', () => Promise.reject(throttled()));
    await expect(short).rejects.toThrow('too fast');
  });
});
