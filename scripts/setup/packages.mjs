// The npm packages, from package-lock.json, only when node_modules is missing or differs from it.
//
// `npm install --no-save` and not `npm ci`: it follows the lock file (versions and integrity) and never writes it, it
// adds what is missing without deleting files under a node that is running, and it accepts a lock file made where a
// registry did not serve the optional binaries of some other platform, which `npm ci` refuses.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ask, run, say } from './run.mjs';

const LOCK = 'package-lock.json';
const INSTALLED = 'node_modules/.package-lock.json';
const STAMP = 'node_modules/.setup-stamp.json';
const PINNED_NODE = process.platform === 'win32' ? 'node_modules/node/bin/node.exe' : 'node_modules/node/bin/node';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Brings node_modules up to date. Returns what went wrong and what to do, or undefined when all is well. */
export async function installPackages({ withDev }) {
  const behind = lockFileBehind();
  if (behind !== undefined) return behind;
  const reason = whyInstall(withDev);
  if (reason === undefined) return undefined;
  // Development packages that are there already stay there: `npm start` after `npm test` removes nothing.
  const keepDev = withDev || existsSync('node_modules/vitest');
  say(`npm packages: ${reason}; installing them (${keepDev ? 'all' : 'run time only'}), a minute on a slow line`);
  const args = ['--no-save', keepDev ? '--include=dev' : '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  if (!(await npm('npm packages', ['install', ...args]))) {
    return 'npm could not install the packages (its own message is above). Check the network and npm, then try again.';
  }
  if (!existsSync(PINNED_NODE) && !(await installPinnedNode())) {
    return 'the npm package `node` did not install its binary. Are install scripts off, or is this platform unknown to it?';
  }
  const version = ask(PINNED_NODE, ['--version']);
  if (version === undefined) {
    return `${PINNED_NODE} does not run on this system (it needs a C library as new as Debian 10's).`;
  }
  writeStamp(keepDev);
  return undefined;
}

/** A lock file that no longer matches package.json would install something that nobody reviewed: refuse. */
function lockFileBehind() {
  if (!existsSync(LOCK)) return undefined;
  const manifest = readJson('package.json');
  const locked = readJson(LOCK).packages[''];
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const wanted = manifest[field] ?? {};
    const has = locked[field] ?? {};
    const name = [...Object.keys(wanted), ...Object.keys(has)].find((key) => wanted[key] !== has[key]);
    if (name !== undefined) {
      return `package.json and ${LOCK} disagree on ${name}: run \`npm install\` once and commit both files.`;
    }
  }
  return undefined;
}

function whyInstall(withDev) {
  if (!existsSync(INSTALLED)) return 'node_modules is missing';
  if (!existsSync(PINNED_NODE)) return 'the pinned Node is missing';
  const stamp = existsSync(STAMP) ? readJson(STAMP) : undefined;
  if (stamp !== undefined && stamp.platform !== platform()) return `node_modules was installed for ${stamp.platform}`;
  if (stamp !== undefined && stamp.lock === lockHash() && (stamp.withDev || !withDev)) return undefined;
  const different = firstDifference(withDev);
  if (different === undefined) {
    writeStamp(withDev);
    return undefined;
  }
  return `node_modules differs from ${LOCK} (${different})`;
}

/** The first package that the lock file asks for and node_modules lacks or has in another version. */
function firstDifference(withDev) {
  const installed = readJson(INSTALLED).packages;
  const wanted = existsSync(LOCK) ? readJson(LOCK).packages : directDependencies();
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link || (!withDev && (entry.dev || entry.devOptional))) continue;
    const has = installed[path];
    if (has === undefined && (entry.optional || entry.peer)) continue; // The binary of some other platform.
    if (has?.version !== entry.version) return path.replace(/^.*node_modules\//, '');
  }
  return undefined;
}

function directDependencies() {
  const { dependencies, devDependencies } = readJson('package.json');
  const entries = (record, dev) =>
    Object.entries(record ?? {}).map(([name, version]) => [`node_modules/${name}`, { version, dev }]);
  return Object.fromEntries([...entries(dependencies, false), ...entries(devDependencies, true)]);
}

/** The package `node` fetches its binary in an install script; a user's `ignore-scripts` setting skips it. */
function installPinnedNode() {
  return npm('pinned Node', ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error']);
}

/** Runs the npm that started us, if one did, under the Node that it runs under. */
function npm(label, args) {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  if (cli !== undefined && basename(cli) === 'npm-cli.js') return run(label, node ?? process.execPath, [cli, ...args]);
  return run(label, 'npm', args, process.platform === 'win32' ? { shell: true } : {});
}

const platform = () => `${process.platform}-${process.arch}`;

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(existsSync(LOCK) ? LOCK : 'package.json'))
    .digest('hex');
}

function writeStamp(withDev) {
  writeFileSync(STAMP, `${JSON.stringify({ lock: lockHash(), platform: platform(), withDev })}\n`);
}
