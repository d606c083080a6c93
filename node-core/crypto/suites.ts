/** The three suites by name, as they run everywhere. */
import type { SuiteName } from './provider.ts';
import type { SignatureSuite } from './suite.ts';
import * as ed25519 from './suite-ed25519.ts';
import * as p256 from './suite-p256.ts';
import * as sm2 from './suite-sm2.ts';

export const SUITES: Readonly<Record<SuiteName, SignatureSuite & { isSecretKey(bytes: Uint8Array): boolean }>> = {
  p256,
  ed25519,
  sm2,
};
