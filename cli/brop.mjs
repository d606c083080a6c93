#!/usr/bin/env node
// Starts the CLI under the Node that this project pins. It must load on any Node, so it is plain JavaScript; the CLI
// itself is TypeScript that only a Node >= 24 runs directly.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const main = new URL('./main.ts', import.meta.url);
const binary = process.platform === 'win32' ? 'node.exe' : 'node';
const pinnedNode = fileURLToPath(new URL(`../node_modules/node/bin/${binary}`, import.meta.url));

if (!existsSync(pinnedNode)) {
  process.stderr.write('brop: its packages are not installed. Run `npm start` or `npm install` in its folder first.\n');
  process.exitCode = 69; // EX_UNAVAILABLE of sysexits.h
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  // From the second time on the command starts without the TypeScript parser: half the time.
  module.enableCompileCache(fileURLToPath(new URL('../.cache/compile', import.meta.url)));
  await import(main.href);
} else {
  runUnderPinnedNode();
}

function runUnderPinnedNode() {
  const child = spawn(pinnedNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The child decides when and how to end. A terminal sends Ctrl-C and hang-up to both processes: passing those on would
  // make two of one.
  const fromTerminal = process.stdin.isTTY ? ['SIGINT', 'SIGHUP'] : [];
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) {
    process.on(signal, () => {
      if (!fromTerminal.includes(signal)) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`brop: cannot run ${pinnedNode}: ${error.message}\n`);
    process.exitCode = 69;
  });
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeAllListeners(name);
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}
