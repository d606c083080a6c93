// The rules of scripts/tidy.ts. Each takes what was read of the tree and returns findings; none touches the disk.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import {
  componentDoor,
  componentsRoom,
  contractsRoom,
  developmentRooms,
  entryPoints,
  isWithin,
  maxFunctionLines,
  pureMayImportPackages,
  pureRoot,
  roomOf,
  rowOf,
  testMayImport,
} from './layers.ts';
import type { Import, Source } from './source.ts';

export interface Tree {
  readonly sources: readonly Source[];
  /** Every file of the tree, TypeScript or not, relative to its root. */
  readonly files: ReadonlySet<string>;
  readonly manifest: Manifest;
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Optional ones: whoever uses what needs them installs them. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly exports?: unknown;
}

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: 'layer' | 'contract' | 'dead' | 'long' | 'pure' | 'dependency' | 'readme';
  readonly todo: string;
}

/** All findings of all rules, in the order of files and lines. */
export function findUntidy(tree: Tree): Finding[] {
  const findings = [
    ...tree.sources.flatMap((source) => [...perImport(source, tree), ...longFunctions(source), ...impurities(source)]),
    ...deadFiles(tree),
    ...missingReadmes(tree),
  ];
  return findings.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

const isTest = (file: string) => file.endsWith('.test.ts');
const isPure = (file: string) => isWithin(file, pureRoot) && !isTest(file);

function perImport(source: Source, tree: Tree): Finding[] {
  return source.imports.flatMap((found) => {
    const target = targetOf(source.file, found);
    const broken =
      target === undefined
        ? packageImport(source.file, found, tree.manifest)
        : (layerImport(source.file, target) ?? contractImport(source.file, target, found));
    return broken === undefined ? [] : [{ file: source.file, line: found.line, ...broken }];
  });
}

/** The file of the tree that an import names, or undefined for a package. */
function targetOf(file: string, found: Import): string | undefined {
  if (!found.specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(file), found.specifier));
}

type Broken = Pick<Finding, 'rule' | 'todo'>;

function layerImport(file: string, target: string): Broken | undefined {
  const from = roomOf(file);
  const to = roomOf(target);
  if (!file.includes('/') || !target.includes('/') || from === to) return undefined; // Root files are configuration.
  const row = rowOf(file);
  if (row === undefined || from === undefined) {
    return { rule: 'layer', todo: `give the folder of ${file} a row in scripts/tidy/layers.ts` };
  }
  if (to === undefined) return { rule: 'layer', todo: `give the folder of ${target} a row in scripts/tidy/layers.ts` };
  if (isTest(file) && to === testMayImport) return undefined;
  if (isWithin(from, componentsRoom) && isWithin(to, componentsRoom)) {
    if (posix.basename(target) === componentDoor) return undefined;
    return { rule: 'layer', todo: `${from} may read ${to} only through its ${componentDoor}, not ${target}` };
  }
  const toRow = rowOf(target)?.path ?? to;
  const allowed = row.mayImport.includes('*')
    ? !row.except?.some((path) => isWithin(toRow, path))
    : row.mayImport.includes(toRow);
  if (allowed) return undefined;
  return { rule: 'layer', todo: `${from} may not import ${to} (${target}): move the code or turn the import round` };
}

/** Contracts are types: only error classes, which an adapter throws and a caller recognises, exist at run time. */
function contractImport(file: string, target: string, found: Import): Broken | undefined {
  if (found.typeOnly) return undefined;
  const isContract = isWithin(target, contractsRoom) && !isTest(target);
  const fromContract = isWithin(file, contractsRoom) && !isTest(file);
  if (isContract && found.valueNames?.every((name) => name.endsWith('Error'))) return undefined;
  if (fromContract) return { rule: 'contract', todo: 'a port declares contracts: make this an `import type`' };
  if (isContract) {
    return { rule: 'contract', todo: `${contractsRoom} holds contracts: make this an \`import type\` (errors apart)` };
  }
  return undefined;
}

const nodeBuiltins = new Set(builtinModules);

function packageImport(file: string, found: Import, manifest: Manifest): Broken | undefined {
  const { specifier } = found;
  if (isTest(file) || found.isUrl) return undefined;
  const isBuiltin = specifier.startsWith('node:') || nodeBuiltins.has(specifier);
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (isPure(file) && (isBuiltin || !pureMayImportPackages.includes(name))) {
    const instead = `only ${pureMayImportPackages.join(', ')} and, for the world, a port`;
    return { rule: 'pure', todo: `pure rooms may not import ${specifier}: ${instead}` };
  }
  const mayUseDev = !file.includes('/') || developmentRooms.some((room) => isWithin(file, room));
  const isInstalled = manifest.dependencies?.[name] ?? manifest.peerDependencies?.[name];
  if (isBuiltin || mayUseDev || found.typeOnly || isInstalled !== undefined) return undefined;
  return { rule: 'dependency', todo: `${name} is not in "dependencies": a bare \`npm start\` does not install it` };
}

function longFunctions(source: Source): Finding[] {
  return source.functions
    .filter((body) => body.lineCount > maxFunctionLines && !(body.isDescribe && isTest(source.file)))
    .map(({ name, line, lineCount }) => {
      const todo = `${name} has ${lineCount} lines, more than ${maxFunctionLines}: take a part out and name it`;
      return { file: source.file, line, rule: 'long', todo };
    });
}

function impurities(source: Source): Finding[] {
  if (!isPure(source.file)) return [];
  return source.impurities.map(({ text, line }) => {
    const todo = `${text} is not deterministic: take time, chance and order as inputs, through a port`;
    return { file: source.file, line, rule: 'pure', todo };
  });
}

function deadFiles(tree: Tree): Finding[] {
  const byFile = new Map(tree.sources.map((source) => [source.file, source]));
  const starts = [...entryPoints.map(globToRegExp), ...exportedFiles(tree.manifest).map(globToRegExp)];
  const waiting = [...byFile.keys()].filter((file) => starts.some((start) => start.test(file)));
  const alive = new Set(waiting);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const found of byFile.get(file)?.imports ?? []) {
      const target = targetOf(file, found);
      if (target === undefined || alive.has(target)) continue;
      alive.add(target);
      waiting.push(target);
    }
  }
  return [...byFile.keys()]
    .filter((file) => !alive.has(file))
    .map((file) => {
      const todo =
        'nothing reaches this file: use it, delete it, or name it in scripts/tidy/layers.ts as an entry point';
      return { file, line: 1, rule: 'dead', todo };
    });
}

/** Every path in the `exports` of package.json, whatever the conditions around it. */
function exportedFiles(manifest: Manifest): string[] {
  const paths = (value: unknown): string[] => {
    if (typeof value === 'string') return [posix.normalize(value)];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(paths) : [];
  };
  return paths(manifest.exports);
}

function globToRegExp(glob: string): RegExp {
  const pattern = glob.replace(/\*\*\/|\*|[.+?^${}()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    return token === '*' ? '[^/]*' : `\\${token}`;
  });
  return new RegExp(`^${pattern}$`);
}

/** Each room that has a TypeScript file, and each folder above it that is a room too, tells its job in a README. */
function missingReadmes(tree: Tree): Finding[] {
  const expected = new Set<string>();
  for (const { file } of tree.sources) {
    const room = file.includes('/') ? roomOf(file) : undefined;
    if (room === undefined) continue;
    expected.add(room);
    expected.add(room.split('/')[0] ?? room);
  }
  return [...expected]
    .map((room) => `${room}/README.md`)
    .filter((file) => !tree.files.has(file))
    .map((file) => ({ file, line: 1, rule: 'readme', todo: 'write what the room owns, does not own, may import' }));
}
