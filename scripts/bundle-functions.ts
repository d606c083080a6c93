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

interface Replaced {
  /** As it is imported. */
  readonly path: RegExp;
  /** The package that imports it; any without one. */
  readonly by?: string;
  readonly contents: string;
}

/** What packages bring and no function needs, and what stands in its place. The bundles' test holds their size to a bound. */
const REPLACED: readonly Replaced[] = [
  // Messages of zod in forty languages, ours being English with codes; schemas made of JSON Schema.
  { path: /locales\/index\.js$/, by: 'zod', contents: `export { default as en } from 'zod/v4/locales/en.js';` },
  { path: /\/from-json-schema\.js$/, by: 'zod', contents: 'export const fromJSONSchema = undefined;' },
  // Lambda gives credentials in the environment; single sign-on, profiles and metadata services are for others.
  {
    path: /^@aws-sdk\/credential-provider-node$/,
    contents: `import { fromEnv } from '@aws-sdk/credential-provider-env'; export const defaultProvider = () => fromEnv();`,
  },
  // Loaded by the SDK for operations that stream events; none of these is one. The client of S3 asks for it by name.
  {
    path: /^@smithy\/core\/event-streams$/,
    contents: 'export const resolveEventStreamSerdeConfig = (config) => config, eventStreamSerdeProvider = undefined;',
  },
  // Asked by the tracer whether Node and the SDK are younger than 2017.
  { path: /^semver$/, contents: 'export const gte = () => true;' },
];

const leftOut: Plugin = {
  name: 'left-out',
  setup({ onResolve, onLoad }) {
    for (const [i, { path, by }] of REPLACED.entries()) {
      onResolve({ filter: path }, ({ importer }) =>
        by === undefined || importer.includes(`/node_modules/${by}/`)
          ? { path: String(i), namespace: 'left-out' }
          : undefined,
      );
    }
    onResolve({ filter: /^prom-client$/ }, () => ({ path: join(ROOT, 'functions', 'shared', 'no-prometheus.ts') }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: REPLACED[Number(path)]!.contents,
      resolveDir: ROOT,
    }));
  },
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
