/**
 * A node as a process: `node nodes/node/main.ts <config.json>`, or without an argument the config in the environment's
 * BROP_CONFIG. SIGTERM and SIGINT end it in order.
 */
import module from 'node:module';
import { BropError } from '../../node-core/chain/codes.ts';
import { CONFIG_VARIABLE, loadConfig, parseConfig } from '../config.ts';
import { runNode } from '../run-node.ts';
import { endForSure } from './end-for-sure.ts';

/** What the process tells its parent over IPC when it has one. */
export type NodeReport =
  | { readonly kind: 'ready'; readonly apiUrl: string | null; readonly height: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

function report(message: NodeReport): void {
  process.send?.(message);
}

/** How long after the start what it has taken is compiled: not while the node catches up. */
const KEEP_CODE_AFTER_MS = 20_000;

/** Node writes its compile cache only when a process ends in order: after `kill -9` the next start would compile anew. */
function keepCompiledCode(): void {
  setTimeout(() => module.flushCompileCache?.(), KEEP_CODE_AFTER_MS).unref();
}

async function main(path: string | undefined): Promise<number> {
  const given = process.env[CONFIG_VARIABLE];
  if (path === undefined && given === undefined) {
    process.stderr.write(`usage: node nodes/node/main.ts <config.json>, or ${CONFIG_VARIABLE}=<JSON>\n`);
    return 2;
  }
  const config = path === undefined ? parseConfig(given!, CONFIG_VARIABLE, process.cwd()) : loadConfig(path);
  const running = await runNode(config);
  report({ kind: 'ready', apiUrl: running.apiUrl, height: running.node.store.height });
  keepCompiledCode();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void running.stop());
  // A devnet whose supervisor is gone must not stay behind.
  process.on('disconnect', () => void running.stop());
  const error = await running.ended;
  if (error !== null) throw error;
  return 0;
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  const code = error instanceof BropError ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${code}: ${message}\n`);
  report({ kind: 'failed', code, message });
  process.exitCode = 1;
}
if (process.connected) process.disconnect();
endForSure();
