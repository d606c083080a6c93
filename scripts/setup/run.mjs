// Running other programs and saying so: all output goes to standard error, standard output belongs to the command that
// setup prepares.
import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const HEARTBEAT_MS = 10_000;

export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** Names one thing that is missing, the suite that fails for want of it, and how to get it. */
export function sayMissing(what, suite, remedy) {
  say(`${what}. ${suite} will fail. ${remedy}`);
}

/** The environment without this project's node_modules/.bin in PATH: an install must not run the Node it replaces. */
export function outerEnvironment() {
  const separator = process.platform === 'win32' ? ';' : ':';
  const own = resolve('node_modules', '.bin');
  const path = (process.env.PATH ?? '').split(separator).filter((folder) => resolve(folder || '.') !== own);
  return { ...process.env, PATH: path.join(separator) };
}

/** Runs a program to its end and returns whether it exited 0; a line every ten seconds shows that it is alive. */
export async function run(label, command, args, options = {}) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const heartbeat = setInterval(() => say(`${label}: still at it after ${seconds()} s`), HEARTBEAT_MS);
  const code = await new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 2, 2], env: outerEnvironment(), ...options });
    child.on('error', (error) => {
      say(`${label}: cannot run ${command}: ${error.message}`);
      done(127);
    });
    child.on('close', (exitCode) => done(exitCode ?? 1));
  });
  clearInterval(heartbeat);
  if (code === 0) say(`${label}: done in ${seconds()} s`);
  return code === 0;
}

/** The trimmed standard output of a quick command, or undefined when it is missing or fails. */
export function ask(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], ...options });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Installs Debian packages where this process may: as root, with apt-get. Returns whether they are there now. */
export async function aptInstall(packages) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  if (ask('apt-get', ['--version']) === undefined) return false;
  const env = { ...outerEnvironment(), DEBIAN_FRONTEND: 'noninteractive' };
  const label = `system packages ${packages.join(' ')}`;
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  say(`${label}: installing with apt-get`);
  return (
    (await run('list of system packages', 'apt-get', ['update', '-qq'], { env })) &&
    (await run(label, 'apt-get', install, { env }))
  );
}

/** Points git at scripts/hooks, unless this checkout already has hooks of its own. */
export function installGitHook() {
  if (ask('git', ['rev-parse', '--git-dir']) === undefined) return;
  if (ask('git', ['config', '--get', 'core.hooksPath']) !== undefined) return;
  if (ask('git', ['config', '--local', 'core.hooksPath', 'scripts/hooks']) === undefined) return;
  say('git hook: scripts/hooks/pre-commit checks format and types before each commit');
}
