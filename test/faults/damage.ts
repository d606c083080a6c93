/** Fills a disk and damages files. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Chance } from '../simulation/chance.ts';
import type { Fault } from './plan.ts';

const PAGE = 4_096;
const FLIPS = 200;
const VOTE_RECORD = 'vote-record';
const BALLAST = 'ballast';

/** Takes what is free on the volume of this folder, but for so many bytes. */
export function fillDisk(folder: string, leaveBytes: number): void {
  const file = openSync(join(folder, BALLAST), 'a');
  try {
    for (let size = 1 << 20; size >= 1; size = Math.floor(size / 2)) {
      const bytes = Buffer.alloc(size, 0x55);
      while (freeBytes(folder) - size >= leaveBytes && wrote(file, bytes));
    }
  } finally {
    closeSync(file);
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function wrote(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOSPC') return false;
    throw error;
  }
}

export function freeDisk(folder: string): void {
  rmSync(join(folder, BALLAST), { force: true });
}

/** Everything that can be had again from other nodes; never the vote record, which can not. */
export function wipeChain(dataFolder: string): void {
  for (const name of readdirSync(dataFolder)) {
    if (name !== VOTE_RECORD && name !== BALLAST) rmSync(join(dataFolder, name), { recursive: true });
  }
}

export function voteRecordOf(dataFolder: string): string {
  return join(dataFolder, VOTE_RECORD, 'data.mdb');
}

/** A file of the chain that this fault is to damage: the store in half of the cases, else a file of sealed blocks. */
export function victimOf(dataFolder: string, { where }: Fault): string {
  const store = join(dataFolder, 'chain', 'data.mdb');
  const sealed = filesBelow(join(dataFolder, 'files')).filter((path) => statSync(path).size > 0);
  if (where < 0.5 || sealed.length === 0) return store;
  return sealed[Math.floor((where - 0.5) * 2 * sealed.length)]!;
}

function filesBelow(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch {
    return [];
  }
}

/** Damages a file as the fault says; a line that says how. */
export function damageFile(path: string, { damage, where, number }: Fault): string {
  const bytes = readFileSync(path);
  const at = Math.floor(where * bytes.length);
  if (damage === 'cut off') {
    truncateSync(path, at);
    return `${path} cut off at byte ${at} of ${bytes.length}`;
  }
  if (damage === 'a page of zeros') {
    const begin = at - (at % PAGE);
    bytes.fill(0, begin, begin + PAGE);
    writeFileSync(path, bytes);
    return `${path} zeroed from byte ${begin} of ${bytes.length}`;
  }
  const chance = new Chance(`damage ${number} ${where}`);
  for (let i = 0; i < FLIPS; i++) bytes[chance.below(bytes.length)]! ^= 1 << chance.below(8);
  writeFileSync(path, bytes);
  return `${path} with ${FLIPS} bits flipped in ${bytes.length} bytes`;
}
