/** The verifying SDK as a browser gets it: one minified module. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../../sdk/verify.ts', import.meta.url));

export interface Bundle {
  readonly code: Uint8Array;
  /** Every file that went into it. */
  readonly inputs: readonly string[];
}

export async function bundleVerifier(entry = ENTRY): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  return { code: outputFiles[0]!.contents, inputs: Object.keys(metafile.inputs) };
}
