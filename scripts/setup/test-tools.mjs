// What single suites need beside npm packages. Each step installs what it can; what it cannot, it names together with
// the suite that fails for want of it, and lets the other suites run.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aptInstall, ask, run, say, sayMissing } from './run.mjs';

const BROWSER = join('.cache', 'chromium');
/**
 * The Python environments: the independent verifier, the AWS emulator, the linter of its templates, the example with the
 * generator of its client, the fuzzer of the API, the linters of the deployment package.
 * Each has its own, as their packages do not agree.
 */
export const PYTHON_ENVIRONMENTS = [
  {
    venv: join('.cache', 'venv'),
    requirements: join('test', 'interop', 'requirements.txt'),
    suite: 'test/interop',
    minor: 9,
  },
  {
    venv: join('.cache', 'venv-aws'),
    requirements: join('test', 'aws', 'requirements.txt'),
    suite: 'test/conformance/index-dynamodb (and with it all that is tested against AWS)',
    minor: 9,
  },
  {
    venv: join('.cache', 'venv-cfn-lint'),
    requirements: join('test', 'aws', 'cfn-lint.requirements.txt'),
    suite: 'test/aws/templates',
    minor: 10,
  },
  {
    venv: join('.cache', 'venv-examples'),
    requirements: join('examples', 'python', 'requirements.txt'),
    suite: 'test/examples',
    minor: 11,
  },
  {
    venv: join('.cache', 'venv-fuzz'),
    requirements: join('test', 'api-fuzz', 'requirements.txt'),
    suite: 'test/api-fuzz',
    minor: 10,
  },
  {
    venv: join('.cache', 'venv-deploy'),
    requirements: join('test', 'deploy', 'requirements.txt'),
    suite: 'test/deploy',
    minor: 9,
  },
];

/** A Python environment of our own with the pinned packages of a suite, on Python 3.`minor` or newer. */
export async function installPython({ venv, requirements, suite: folder, minor }) {
  if (!existsSync(requirements)) return;
  const suite = `The suite ${folder}`;
  const remedy = `Install Python 3.${minor} or newer with its venv module (Debian: python3 python3-venv).`;
  if (findPython(minor) === undefined) await aptInstall(['python3', 'python3-venv']);
  const python = findPython(minor);
  if (python === undefined) return sayMissing(`Python 3.${minor} or newer is not here`, suite, remedy);
  const stamp = `${createHash('sha256').update(readFileSync(requirements)).digest('hex')} ${python.version}\n`;
  const stampFile = join(venv, 'setup-stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say(`Python packages: ${venv} is missing or differs from ${requirements}; making it`);
  mkdirSync('.cache', { recursive: true });
  const makeVenv = () => run('Python environment', python.command, ['-m', 'venv', '--clear', venv]);
  if (!(await makeVenv()) && !((await aptInstall(['python3-venv'])) && (await makeVenv()))) {
    return sayMissing('Python cannot make a virtual environment', suite, remedy);
  }
  const pip = process.platform === 'win32' ? join(venv, 'Scripts', 'pip.exe') : join(venv, 'bin', 'pip');
  if (!(await run('Python packages', pip, ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]))) {
    return sayMissing('The Python packages did not install', suite, 'Check the network and pip, then try again.');
  }
  writeFileSync(stampFile, stamp);
}

function findPython(minor) {
  const script = `import sys; assert sys.version_info >= (3, ${minor}); print(sys.version.split()[0])`;
  for (const command of ['python3', 'python']) {
    const version = ask(command, ['-c', script]);
    if (version !== undefined) return { command, version };
  }
  return undefined;
}

/** OpenSSL 3, the second implementation of SM2 and of X.509. */
export async function requireOpenssl() {
  const version = () => ask('openssl', ['version']);
  if (version() === undefined) await aptInstall(['openssl']);
  if (version()?.startsWith('OpenSSL 3') || version()?.startsWith('OpenSSL 4')) return;
  const found = version() ?? 'no openssl';
  sayMissing(`OpenSSL 3 is not here (found ${found})`, 'The OpenSSL suites', 'Install OpenSSL 3 and put it in PATH.');
}

/** systemd's own check of units. It needs no systemd that runs. */
export async function installSystemdAnalyze() {
  const isHere = () => ask('systemd-analyze', ['--version']) !== undefined;
  if (process.platform === 'linux' && !isHere()) await aptInstall(['systemd']);
  if (!isHere()) sayMissing('systemd-analyze is not here', 'The suite test/deploy', 'Install it (Debian: systemd).');
}

/** A software HSM, for the PKCS#11 signer; its driver is loaded by the package pkcs11js, which npm has compiled. */
export async function installSoftHsm() {
  const suite = 'Whatever signs with tokens (adapters/signer-pkcs11, test/cli/signer, test/deploy)';
  if (ask('softhsm2-util', ['--version']) === undefined) await aptInstall(['softhsm2']);
  if (ask('softhsm2-util', ['--version']) === undefined)
    sayMissing('SoftHSM2 is not here', suite, 'Install it (Debian: softhsm2).');
  if (!existsSync('node_modules/pkcs11js/build/Release/pkcs11.node'))
    sayMissing(
      'pkcs11js was not compiled',
      suite,
      'Install a C++ compiler, make and Python, then: npm rebuild pkcs11js.',
    );
}

/**
 * Unpacks the Chromium that an npm package ships, once, before tests that run side by side would do it: the package
 * takes a half-written file of another process for a finished one.
 */
export async function installBrowser() {
  const manifest = 'node_modules/@sparticuz/chromium/package.json';
  if (!existsSync(manifest)) return;
  const suite = 'The browser suites';
  if (process.platform !== 'linux') {
    return sayMissing('The npm package of Chromium has a binary for Linux only', suite, 'Run them on Linux.');
  }
  const stamp = `${JSON.parse(readFileSync(manifest, 'utf8')).version}\n`;
  const stampFile = join(BROWSER, 'setup-stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say(`Chromium: unpacking it into ${BROWSER}`);
  if (!(await unpackBrowser())) {
    return sayMissing('Chromium could not be unpacked', suite, 'Is there disk space for 300 MB?');
  }
  const runs = () => ask(join(BROWSER, 'chromium'), ['--version']) !== undefined;
  if (!runs() && !((await aptInstall(['libnss3', 'libnspr4', 'libexpat1'])) && runs())) {
    const lacks = missingLibraries();
    return sayMissing(`Chromium does not start (missing: ${lacks})`, suite, 'Debian: libnss3 libnspr4 libexpat1.');
  }
  writeFileSync(stampFile, stamp);
}

async function unpackBrowser() {
  const partial = `${BROWSER}.partial`;
  rmSync(partial, { recursive: true, force: true });
  rmSync(BROWSER, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const script = "await (await import('@sparticuz/chromium')).default.executablePath()";
  const env = { ...process.env, TMPDIR: resolve(partial) };
  const args = ['--input-type=module', '-e', script];
  if (!(await run('Chromium', 'node_modules/node/bin/node', args, { env }))) return false;
  renameSync(partial, BROWSER);
  return true;
}

function missingLibraries() {
  const missing = (ask('ldd', [join(BROWSER, 'chromium')]) ?? '').match(/\S+(?= => not found)/g);
  return missing?.join(' ') ?? 'unknown, run .cache/chromium/chromium --version to see';
}

/** The oldest Node that the published SDK supports. */
export async function installOldNode() {
  const version = '20.20.2';
  const folder = join('.cache', 'node20');
  const binary = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (ask(binary, ['--version']) === `v${version}`) return;
  say(`Node ${version}: installing it into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { node: version }, allowScripts: { node: true } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const args = [
    'install',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--ignore-scripts=false',
    '--loglevel=error',
  ];
  const options = { cwd: folder, ...(process.platform === 'win32' ? { shell: true } : {}) };
  await run(`Node ${version}`, 'npm', args, options);
  if (ask(binary, ['--version']) === `v${version}`) return;
  sayMissing(
    `Node ${version} did not install`,
    'The suite test/packaging',
    'Check the network and npm, then try again.',
  );
}
