// Reads TypeScript files with the compiler's own parser and keeps what the rules look at. The parser's API is marked
// unstable in TypeScript 7: this file alone touches it, and the version is pinned.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ArrowFunction,
  type CallExpression,
  type ConstructorDeclaration,
  type ExportDeclaration,
  type FunctionDeclaration,
  type FunctionExpression,
  type GetAccessorDeclaration,
  type ImportDeclaration,
  type MethodDeclaration,
  type Node,
  type SetAccessorDeclaration,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased at run time: `import type`, `export type` or `import('…').Type`. */
  readonly typeOnly: boolean;
  /** Names taken by value; undefined when all of them are (`import * as`, `export *`, a default or dynamic import). */
  readonly valueNames: readonly string[] | undefined;
  /** `new URL('./x.ts', import.meta.url)`: the file starts on its own, as a worker does. */
  readonly isUrl: boolean;
}

type FunctionNode =
  | FunctionDeclaration
  | FunctionExpression
  | ArrowFunction
  | MethodDeclaration
  | ConstructorDeclaration
  | GetAccessorDeclaration
  | SetAccessorDeclaration;

export interface FunctionBody {
  readonly name: string;
  readonly line: number;
  readonly lineCount: number;
  readonly isDescribe: boolean;
}

export interface Impurity {
  readonly text: string;
  readonly line: number;
}

export interface Source {
  readonly file: string;
  readonly imports: readonly Import[];
  readonly functions: readonly FunctionBody[];
  readonly impurities: readonly Impurity[];
}

/** Parses the files (paths relative to the root, with `/`); nothing is resolved or type-checked. */
export function readSources(root: string, files: readonly string[]): Source[] {
  const config = join(root, 'tidy.virtual.tsconfig.json');
  const compilerOptions = { noLib: true, noResolve: true, types: [], allowImportingTsExtensions: true, noEmit: true };
  const text = JSON.stringify({ compilerOptions, files: files.map((file) => `./${file}`) });
  const fs = {
    readFile: (path: string) => (path === config ? text : undefined),
    fileExists: (path: string) => (path === config ? true : undefined),
  };
  const api = new API({ cwd: root, fs });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProjects()[0];
    if (project === undefined) throw new Error(`TypeScript could not open the files under ${root}.`);
    return files.map((file) => {
      const parsed = project.program.getSourceFile(join(root, file));
      if (parsed === undefined) throw new Error(`TypeScript could not read ${file}.`);
      return inspect(file, parsed, readFileSync(join(root, file), 'utf8'));
    });
  } finally {
    api.close();
  }
}

function inspect(file: string, parsed: SourceFile, text: string): Source {
  const imports: Import[] = [];
  const functions: FunctionBody[] = [];
  const impurities: Impurity[] = [];
  const lineAt = lineCounter(text);
  const visit = (node: Node): undefined => {
    const line = lineAt(node.getStart(parsed));
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, line });
    const impurity = impurityOf(node);
    if (impurity !== undefined) impurities.push({ text: impurity, line });
    if (isFunction(node) && node.body !== undefined) {
      const lineCount = lineAt(node.body.end) - lineAt(node.body.getStart(parsed)) + 1;
      functions.push({ name: functionName(node), line, lineCount, isDescribe: isDescribeCallback(node) });
    }
    node.forEachChild(visit);
    return undefined;
  };
  visit(parsed);
  return { file, imports, functions, impurities };
}

/** Positions are UTF-16 offsets, as in JavaScript strings; lines count from 1. */
function lineCounter(text: string): (position: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (position) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= position) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function importOf(node: Node): Omit<Import, 'line'> | undefined {
  const isUrl = false;
  if (is.isImportDeclaration(node) && is.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, isUrl, ...importedNames(node) };
  }
  if (is.isExportDeclaration(node) && node.moduleSpecifier !== undefined && is.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, isUrl, ...exportedNames(node) };
  }
  if (is.isImportTypeNode(node)) {
    const specifier = is.isLiteralTypeNode(node.argument) ? stringOf(node.argument.literal) : undefined;
    return specifier === undefined ? undefined : { specifier, isUrl, typeOnly: true, valueNames: [] };
  }
  if (is.isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    const specifier = stringOf(node.arguments[0]);
    return specifier === undefined ? undefined : { specifier, isUrl, typeOnly: false, valueNames: undefined };
  }
  if (is.isNewExpression(node) && isName(node.expression, 'URL') && node.arguments?.length === 2) {
    const specifier = stringOf(node.arguments[0]);
    const base = node.arguments[1];
    const isHere = base !== undefined && is.isPropertyAccessExpression(base) && is.isMetaProperty(base.expression);
    if (specifier !== undefined && isHere) return { specifier, isUrl: true, typeOnly: false, valueNames: undefined };
  }
  return undefined;
}

function importedNames(node: ImportDeclaration): Pick<Import, 'typeOnly' | 'valueNames'> {
  const clause = node.importClause;
  if (clause === undefined) return { typeOnly: false, valueNames: [] };
  if (clause.phaseModifier === SyntaxKind.TypeKeyword) return { typeOnly: true, valueNames: [] };
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || !is.isNamedImports(bindings)) {
    return { typeOnly: false, valueNames: undefined };
  }
  const values = bindings.elements.filter((element) => !element.isTypeOnly);
  return { typeOnly: false, valueNames: values.map((element) => (element.propertyName ?? element.name).text) };
}

function exportedNames(node: ExportDeclaration): Pick<Import, 'typeOnly' | 'valueNames'> {
  if (node.isTypeOnly) return { typeOnly: true, valueNames: [] };
  if (node.exportClause === undefined || !is.isNamedExports(node.exportClause)) {
    return { typeOnly: false, valueNames: undefined };
  }
  const values = node.exportClause.elements.filter((element) => !element.isTypeOnly);
  return { typeOnly: false, valueNames: values.map((element) => (element.propertyName ?? element.name).text) };
}

/** What the host or the locale would decide: the clock, chance, the language of the machine. */
function impurityOf(node: Node): string | undefined {
  if (is.isNewExpression(node) && isName(node.expression, 'Date') && !node.arguments?.length) return 'new Date()';
  if (is.isCallExpression(node) && isName(node.expression, 'Date')) return 'Date()';
  if (!is.isPropertyAccessExpression(node)) return undefined;
  const property = node.name.text;
  if (isName(node.expression, 'Date') && property === 'now') return 'Date.now';
  if (isName(node.expression, 'Math') && property === 'random') return 'Math.random';
  if (isName(node.expression, 'Intl')) return 'Intl';
  if (property === 'localeCompare' || property.startsWith('toLocale')) return property;
  return undefined;
}

function isFunction(node: Node): node is FunctionNode {
  return (
    is.isFunctionDeclaration(node) ||
    is.isFunctionExpression(node) ||
    is.isArrowFunction(node) ||
    is.isMethodDeclaration(node) ||
    is.isConstructorDeclaration(node) ||
    is.isGetAccessorDeclaration(node) ||
    is.isSetAccessorDeclaration(node)
  );
}

function functionName(node: FunctionNode): string {
  if (is.isConstructorDeclaration(node)) return 'constructor';
  const name = is.isArrowFunction(node) ? undefined : node.name;
  if (name !== undefined && is.isIdentifier(name)) return name.text;
  const { parent } = node;
  if (parent !== undefined && is.isVariableDeclaration(parent) && is.isIdentifier(parent.name)) return parent.name.text;
  return 'a function';
}

/** A callback of `describe(…)`, `describe.each(…)(…)` and the like: a list of tests, not a function to understand. */
function isDescribeCallback(node: Node): boolean {
  if (node.parent === undefined || !is.isCallExpression(node.parent)) return false;
  let callee: Node = (node.parent as CallExpression).expression;
  while (is.isCallExpression(callee) || is.isPropertyAccessExpression(callee)) callee = callee.expression;
  return isName(callee, 'describe');
}

function isName(node: Node, name: string): boolean {
  return is.isIdentifier(node) && node.text === name;
}

function stringOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  return is.isStringLiteral(node) || is.isNoSubstitutionTemplateLiteral(node) ? node.text : undefined;
}
