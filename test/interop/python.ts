/** Runs the independent verifier in the Python environment that scripts/setup makes. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const PYTHON = join(HERE, '..', '..', '.cache', 'venv', 'bin', 'python');

export interface Answer {
  readonly exitCode: number;
  readonly output: Readonly<Record<string, unknown>>;
}

type Script = 'verify_receipt.py' | 'every_byte.py' | 'verify_tiles.py' | 'verify_webhook.py';

export class Python {
  private readonly folder = mkdtempSync(join(tmpdir(), 'brop-interop-'));
  private count = 0;

  constructor() {
    if (!existsSync(PYTHON))
      throw new Error('There is no .cache/venv: run `npm test`, or `node scripts/setup.mjs test`.');
  }

  file(bytes: Uint8Array): string {
    const path = join(this.folder, `file-${this.count++}`);
    writeFileSync(path, bytes);
    return path;
  }

  run(script: Script, args: readonly string[]): Promise<Answer> {
    const options = { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }, maxBuffer: 1 << 24 };
    return new Promise((resolve, reject) => {
      execFile(PYTHON, [join(HERE, script), ...args], options, (error, stdout, stderr) => {
        try {
          resolve({ exitCode: error === null ? 0 : Number(error.code), output: JSON.parse(stdout) });
        } catch {
          reject(new Error(`${script}: ${stderr || stdout}`));
        }
      });
    });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
