// `node scripts/pack-sdk.ts [folder]` makes the package of the SDK, ready for `npm pack` and `npm publish`: JavaScript
// for Node 20 and later and for browsers, its types, and nothing to install beside it. The SDK's few pure packages are
// in it, with their licences; the SDKs of KMS and PKCS#11 are optional peers of those who sign with them.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** What can be imported, by its name, from which file of the tree. */
export const ENTRIES: Readonly<Record<string, string>> = {
  sdk: 'sdk/index.ts',
  verify: 'sdk/verify.ts',
  'signer-file': 'adapters/signer-file/portable.ts',
  'signer-kms': 'adapters/signer-kms/signer-kms.ts',
  'signer-pkcs11': 'adapters/signer-pkcs11/signer-pkcs11.ts',
};
const PEERS = ['@aws-sdk/client-kms', 'pkcs11js'];
/** Bundled: their licences go with them. */
const BUNDLED = ['@noble/curves', '@noble/hashes', '@scure/base'];
/** Packed as they are, since the types of the SDK speak of theirs (npm's bundleDependencies). */
const PACKED = ['openapi-fetch', 'openapi-typescript-helpers'];

/** Makes the package in `folder`, which is made anew. */
export async function makePackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(Object.entries(ENTRIES)),
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2023',
    external: ['node:*', ...PEERS, ...PACKED],
    legalComments: 'eof',
    logLevel: 'error',
  });
  emitTypes(join(folder, 'types'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  cpSync(join(ROOT, 'sdk', 'README.md'), join(folder, 'README.md'));
  for (const name of PACKED)
    cpSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
  const licences = BUNDLED.map((name) => `${name}\n\n${readFileSync(licenceOf(name), 'utf8')}`);
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licences.join('\n\n'));
}

function licenceOf(name: string): string {
  return join(ROOT, 'node_modules', name, 'LICENSE');
}

function emitTypes(outDir: string): void {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: ROOT,
      outDir,
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    },
    include: [],
    files: Object.values(ENTRIES).map((path) => join(ROOT, path)),
  };
  const path = join(outDir, '..', 'tsconfig.types.json');
  writeFileSync(path, JSON.stringify(config));
  execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', path], {
    stdio: 'inherit',
  });
  rmSync(path);
}

function manifest(): object {
  const { name, version, description, license, peerDependencies, dependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  const versions = { ...dependencies, ...peerDependencies };
  const entries = Object.entries(ENTRIES).map(([entry, path]) => {
    return [`./${entry}`, { types: `./types/${path.replace(/\.ts$/, '.d.ts')}`, default: `./dist/${entry}.js` }];
  });
  return {
    name,
    version,
    description: `${String(description)}: the client toolkit`,
    license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20' },
    exports: Object.fromEntries(entries),
    files: ['dist', 'types', 'LICENSE', 'THIRD-PARTY-LICENSES', 'README.md'],
    dependencies: Object.fromEntries(PACKED.map((packed) => [packed, versionOf(packed)])),
    bundleDependencies: PACKED,
    peerDependencies: Object.fromEntries(PEERS.map((peer) => [peer, `^${versions[peer]}`])),
    peerDependenciesMeta: Object.fromEntries(PEERS.map((peer) => [peer, { optional: true }])),
  };
}

function versionOf(name: string): string {
  const path = join(ROOT, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(ROOT, 'dist', 'sdk'));
  await makePackage(folder);
  process.stdout.write(`${folder}: run npm pack or npm publish there\n`);
}
