/**
 * Bundles the functions for Lambda: `node scripts/bundle-functions.ts [folder]` writes dist/functions/<name>/index.mjs, one
 * file each with everything in it. CDK takes the folders as they are.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
export const FUNCTIONS_FOLDER = join(ROOT, 'dist', 'functions');
/** Of each bundle: what an instance has to read before it can answer. */
export const MAX_BUNDLE_BYTES = 1_000_000;

/** What packages bring and no function needs. */
const leftOut: Plugin = {
  name: 'left-out',
  setup({ onResolve, onLoad }) {
    // Messages of zod in forty languages: ours are English, and say what is wrong by codes.
    onResolve({ filter: /locales\/index\.js$/ }, ({ importer }) =>
      importer.includes(`${join('node_modules', 'zod')}/`) ? { path: 'locales', namespace: 'left-out' } : undefined,
    );
    // Lambda gives credentials in the environment; single sign-on, profiles and metadata services are for others.
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, () => ({
      path: 'credentials',
      namespace: 'left-out',
    }));
    onResolve({ filter: /^prom-client$/ }, () => ({ path: join(ROOT, 'functions', 'shared', 'no-prometheus.ts') }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({ contents: CONTENTS[path]!, resolveDir: ROOT }));
  },
};

const CONTENTS: Readonly<Record<string, string>> = {
  locales: `export { default as en } from 'zod/v4/locales/en.js';`,
  credentials: `import { fromEnv } from '@aws-sdk/credential-provider-env'; export const defaultProvider = () => fromEnv();`,
};

/** Names of the functions, as their folders are called. */
export function functionNames(): string[] {
  const folder = join(ROOT, 'functions');
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'main.ts')));
}

/** @returns the length of each bundle, bytes. */
export async function bundleFunctions(folder = FUNCTIONS_FOLDER): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of functionNames()) {
    const { metafile } = await build({
      entryPoints: [join(ROOT, 'functions', name, 'main.ts')],
      outfile: join(folder, name, 'index.mjs'),
      absWorkingDir: ROOT,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      // The parts of a package that are used, rather than all of it.
      mainFields: ['module', 'main'],
      legalComments: 'none',
      // Packages in the old form ask for what an ES module does not have.
      banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
      plugins: [leftOut],
      metafile: true,
      logLevel: 'warning',
    });
    for (const { bytes } of Object.values(metafile.outputs)) sizes.set(name, bytes);
  }
  return sizes;
}

if (import.meta.main) {
  const folder = process.argv[2] === undefined ? FUNCTIONS_FOLDER : resolve(process.argv[2]);
  for (const [name, bytes] of await bundleFunctions(folder)) console.log(`${name}: ${bytes} bytes`);
}
