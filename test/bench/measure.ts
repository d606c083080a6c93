/** What the bench reads off the machine. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Resident memory of a process in MB (10^6 bytes); NaN where there is no /proc. */
export function residentMb(pid: number): number {
  return memory(pid, 'VmRSS');
}

/** The most that it has ever been. */
export function peakResidentMb(pid: number): number {
  return memory(pid, 'VmHWM');
}

function memory(pid: number, field: string): number {
  try {
    const match = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? Number.NaN : (Number(match[1]) * 1024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

const SAMPLE_MS = 200;

/** The most memory that processes had while they were watched, dead ones included. */
export class MemoryWatch {
  private readonly pids = new Set<number>();
  private readonly timer = setInterval(() => this.sample(), SAMPLE_MS);
  private resident = 0;
  private anonymous = 0;

  watch(pids: readonly number[]): void {
    for (const pid of pids) this.pids.add(pid);
  }

  /** The largest of any of them, in MB. */
  get most(): { readonly residentMb: number; readonly anonymousMb: number } {
    this.sample();
    return { residentMb: this.resident, anonymousMb: this.anonymous };
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    for (const pid of this.pids) {
      // Of a process that has just died there is nothing to read.
      this.resident = Math.max(this.resident, peakResidentMb(pid) || 0);
      this.anonymous = Math.max(this.anonymous, memory(pid, 'RssAnon') || 0);
    }
  }
}

/** CPU time that a process has used, in seconds; NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** Bytes that the files below a folder take on disk (blocks, so that holes do not count). */
export function diskBytes(folder: string): number {
  let total = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += diskBytes(path);
    else if (entry.isFile()) total += statSync(path).blocks * 512;
  }
  return total;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
