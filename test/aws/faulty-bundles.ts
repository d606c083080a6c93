/**
 * The functions' bundles with failures around them, for the emulator: one call in so many throws, before the work or
 * after it (an answer of 502 may have taken effect), and of the records of a stream one call in so many is lost.
 */
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFunctions, functionNames } from '../../scripts/bundle-functions.ts';

/** @param oneIn how many calls fail. @returns the folder to deploy from. */
export async function faultyBundles(folder: string, oneIn: number): Promise<string> {
  const sound = join(folder, 'sound');
  const faulty = join(folder, 'faulty');
  await bundleFunctions(sound);
  for (const name of functionNames()) {
    mkdirSync(join(faulty, name), { recursive: true });
    cpSync(join(sound, name), join(faulty, name), { recursive: true });
    renameSync(join(faulty, name, 'index.mjs'), join(faulty, name, 'function.mjs'));
    writeFileSync(join(faulty, name, 'index.mjs'), wrapper(name === 'indexer', oneIn));
  }
  return faulty;
}

function wrapper(losesRecords: boolean, oneIn: number): string {
  return `import * as real from './function.mjs';
const happens = (part) => Math.random() < part / ${oneIn};
const faulty = (call) => async (event, context) => {
  if (happens(0.5)) throw new Error('injected: before the work');
  if (${losesRecords} && event.Records !== undefined && happens(1)) return { batchItemFailures: [] };
  const result = await call(event, context);
  if (happens(0.5)) throw new Error('injected: after the work');
  return result;
};
export const handler = faulty(real.handler);
export const stream = real.stream;
`;
}
