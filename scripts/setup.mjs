#!/usr/bin/env node
// Makes a checkout ready for `npm start` or `npm test`. It runs before anything is installed, so it is plain JavaScript
// for any Node >= 20 and imports nothing but Node itself. When all is in place it is quick and says nothing.
import { existsSync } from 'node:fs';
import { chdir, exit, stderr, versions } from 'node:process';
import { fileURLToPath } from 'node:url';
import { installPackages } from './setup/packages.mjs';
import { installGitHook, say } from './setup/run.mjs';
import {
  installBrowser,
  installOldNode,
  installPython,
  installSoftHsm,
  installSystemdAnalyze,
  PYTHON_ENVIRONMENTS,
  requireOpenssl,
} from './setup/test-tools.mjs';

const USAGE = `usage: node scripts/setup.mjs start|test

start  installs the npm packages that the nodes need, the pinned Node among them, and the git hook
test   the same with the development packages, then what single suites need: Python packages for test/interop
       and test/examples (into .cache/venv and .cache/venv-examples), the AWS emulator (into .cache/venv-aws), the linter
       of CloudFormation templates (into .cache/venv-cfn-lint), the API fuzzer (into .cache/venv-fuzz), linters of the
       deployment package (into .cache/venv-deploy), OpenSSL, SoftHSM2, systemd-analyze, Node 20 (into .cache/node20), and
       Chromium for the browser suites (into .cache/chromium)

Exit code: 0 ready, 1 the npm packages could not be installed, 2 wrong usage. What a single suite lacks and could not
be installed here is named on a line of its own, and that suite fails.
`;

const mode = process.argv[2];
if (mode === '--help' || mode === '-h') {
  process.stdout.write(USAGE);
  exit(0);
}
if (mode !== 'start' && mode !== 'test') {
  stderr.write(USAGE);
  exit(2);
}

chdir(fileURLToPath(new URL('..', import.meta.url)));
if (Number(versions.node.split('.')[0]) < 20) {
  say(`Node ${versions.node} is too old: install Node 20 or newer, with npm. Everything else is installed from there.`);
  exit(1);
}
const failure = await installPackages({ withDev: mode === 'test' });
if (failure !== undefined) {
  say(failure);
  exit(1);
}
if (existsSync('.git') && !process.env.CI) installGitHook();
if (mode === 'test') {
  for (const environment of PYTHON_ENVIRONMENTS) await installPython(environment);
  await requireOpenssl();
  await installSoftHsm();
  await installSystemdAnalyze();
  await installOldNode();
  await installBrowser();
}
