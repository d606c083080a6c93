import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A vector file under test/vectors, as the caller knows it to be. */
export function loadVectors<T>(path: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8')) as T;
}

/** Names of the JSON files of a folder, in order. */
export function listVectors(folder: string): string[] {
  const names = readdirSync(join(import.meta.dirname, folder)).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => `${folder}/${name}`);
}
