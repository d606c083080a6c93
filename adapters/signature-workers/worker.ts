/** The thread: a packed job in, one byte per check out, in the order of arrival. */
import { parentPort } from 'node:worker_threads';
import { nativeCrypto } from '../crypto-native/native.ts';
import { unpack } from './packing.ts';

parentPort?.on('message', (packed: Uint8Array) => {
  const checks = unpack(packed);
  const results = new Uint8Array(checks.length);
  checks.forEach(({ key, message, signature }, i) => {
    results[i] = nativeCrypto.verify(key, message, signature) ? 1 : 0;
  });
  parentPort?.postMessage(results, [results.buffer]);
});
