import { describe, expect, it } from 'vitest';
import { Persistence, passes } from './persistence.ts';

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
