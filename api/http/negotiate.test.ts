import { describe, expect, it } from 'vitest';
import { ProblemError } from '../problem.ts';
import { negotiate } from './negotiate.ts';

const CBOR = 'application/vnd.brop.receipt+cbor';
const OFFERED = [CBOR, 'application/json', 'application/cose'] as const;

describe('negotiate', () => {
  it.each([
    [undefined, CBOR],
    ['', CBOR],
    ['*/*', CBOR],
    ['application/*', CBOR],
    ['application/json', 'application/json'],
    ['APPLICATION/JSON;q=0.1', 'application/json'],
    ['text/html, application/cose, */*;q=0.1', 'application/cose'],
    ['application/json;q=0.5, application/cose;q=0.7', 'application/cose'],
    [`*/*, ${CBOR};q=0`, 'application/json'],
    ['application/*;q=0.2, */*;q=0.9', CBOR],
    ['garbage, application/json', 'application/json'],
  ])('Accept: %s gives %s', (accept, expected) => {
    expect(negotiate(accept, OFFERED)).toBe(expected);
  });

  it.each(['text/html', 'application/json;q=0', '*/*;q=0', 'garbage', 'application/json;q=2', ';;,,'])(
    'Accept: %s gives 406',
    (accept) => {
      expect(() => negotiate(accept, OFFERED)).toThrow(ProblemError);
    },
  );
});
