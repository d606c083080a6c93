// Checks what types and lint cannot: layers, contracts, dead files, long functions, purity, dependencies, READMEs.
// The rules and the table are in scripts/tidy/. The tests run this; so does `npm run check`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { findUntidy, type Manifest } from './tidy/rules.ts';
import { readSources } from './tidy/source.ts';

const USAGE = `usage: node scripts/tidy.ts [--json] [folder]

Checks the tree under the folder (this project without one) and prints one line per finding:
  file:line: rule: what to do

Rules: layer (an import against scripts/tidy/layers.ts), contract (a port used as more than a type), dead (a file that
no entry point reaches), long (a function over 70 lines), pure (a clock, chance, locale, Node or a package in a pure
room), dependency (product code on a development package), readme (a room without README.md).

--json  print {"files": n, "findings": [{"file", "line", "rule", "todo"}]} instead
Exit code: 0 tidy, 1 findings, 2 wrong usage.
`;

const skippedFolders = new Set(['node_modules', '.git', '.cache', '.brop', 'dist']);

function listFiles(root: string, folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : listFiles(root, path);
    return entry.isFile() ? [relative(root, path).split(sep).join('/')] : [];
  });
}

function main(): number {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const root = resolve(positionals[0] ?? join(import.meta.dirname, '..'));
  const files = listFiles(root).sort();
  const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const sources = readSources(
    root,
    files.filter((file) => file.endsWith('.ts')),
  );
  const findings = findUntidy({ sources, files: new Set(files), manifest });
  if (values.json) console.log(JSON.stringify({ files: sources.length, findings }, null, 2));
  else for (const { file, line, rule, todo } of findings) console.log(`${file}:${line}: ${rule}: ${todo}`);
  if (!values.json && findings.length === 0) console.log(`tidy: ${sources.length} files, nothing to say`);
  return findings.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`tidy: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
