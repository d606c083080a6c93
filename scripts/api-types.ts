// `node scripts/api-types.ts` writes sdk/api-types.ts from docs/openapi.json; a test fails when it has drifted. The
// shape is the one that openapi-fetch reads (`paths`), as openapi-typescript makes it, which needs a TypeScript with the
// old compiler API. It knows what our document uses, and refuses the rest.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly format?: string;
  readonly description?: string;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  /** Scheme to scopes; ours has one scheme, and one scope for a route. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const ROOT = join(import.meta.dirname, '..');
const HEAD = `// Made by scripts/api-types.ts from docs/openapi.json: do not edit.
import type { Scope } from '../node-core/chain/scopes.ts';
`;
const PARAMETER_PLACES = ['query', 'header', 'path', 'cookie'];
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

export function apiTypes({ paths, components }: OpenApi): string {
  const pathRows = Object.entries(paths).map(([path, item]) => {
    const methods = METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [`${comment(operation.summary)}${method}: ${operationType(operation)};`];
    });
    return `${JSON.stringify(path)}: {\n${methods.join('\n')}\n};`;
  });
  const schemaRows = Object.entries(components.schemas).map(([name, schema]) => {
    return `${comment(schema.description)}${key(name)}: ${typeOf(schema)};`;
  });
  const scopes = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const [scope] = Object.values(item[method]?.security?.[0] ?? {}).flat();
      return scope === undefined ? [] : [`'${method.toUpperCase()} ${path}': '${scope}',`];
    }),
  );
  const types = [
    `/** The scope of each request that needs an access token. */\nexport const SCOPE_OF: Readonly<Record<string, Scope>> = {\n${scopes.join('\n')}\n};`,
    `export interface paths {\n${pathRows.join('\n')}\n}`,
    `export interface components {\nschemas: {\n${schemaRows.join('\n')}\n};\n}`,
  ];
  return `${HEAD}\n${indented(types.join('\n\n'))}\n`;
}

function operationType({ parameters = [], requestBody, responses }: Operation): string {
  const places = PARAMETER_PLACES.map((place) => {
    const own = parameters.filter((parameter) => parameter.in === place);
    if (own.length === 0) return `${place}?: never;`;
    const rows = own.map(({ name, required, schema = {} }) => `${key(name)}${required ? '' : '?'}: ${typeOf(schema)};`);
    const isNeeded = own.some(({ required }) => required === true);
    return `${place}${isNeeded ? '' : '?'}: {\n${rows.join('\n')}\n};`;
  });
  const answers = Object.entries(responses).map(([status, { content }]) => {
    const body = content === undefined ? 'content?: never;' : `content: ${contentType(content)};`;
    return `${key(status)}: {\nheaders: { readonly [name: string]: unknown };\n${body}\n};`;
  });
  const body =
    requestBody === undefined
      ? 'requestBody?: never;'
      : `requestBody${requestBody.required ? '' : '?'}: {\ncontent: ${contentType(requestBody.content)};\n};`;
  return `{\nparameters: {\n${places.join('\n')}\n};\n${body}\nresponses: {\n${answers.join('\n')}\n};\n}`;
}

function contentType(content: Content): string {
  const rows = Object.entries(content).map(([type, { schema = {} }]) => `${JSON.stringify(type)}: ${typeOf(schema)};`);
  return `{\n${rows.join('\n')}\n}`;
}

/** @throws {Error} for a form of schema that our document has not had so far. */
function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf, type } = schema;
  if ($ref !== undefined) {
    const name = /^#\/components\/schemas\/(.+)$/.exec($ref)?.[1];
    if (name === undefined) throw new Error(`a reference to elsewhere: ${$ref}`);
    return `components['schemas'][${JSON.stringify(name).replaceAll('"', "'")}]`;
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const union = anyOf ?? oneOf;
  if (union !== undefined) return `(${[...new Set(union.map(typeOf))].join(' | ')})`;
  if (allOf !== undefined) return `(${allOf.map(typeOf).join(' & ')})`;
  if (Array.isArray(type)) return `(${type.map((one: string) => typeOf({ ...schema, type: one })).join(' | ')})`;
  return plainType(schema, type as string | undefined);
}

function plainType(schema: Schema, type: string | undefined): string {
  switch (type) {
    case undefined:
      return 'unknown';
    case 'string':
      return schema.format === 'binary' ? 'Blob | Uint8Array<ArrayBuffer>' : 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
    case 'null':
      return type;
    case 'array':
      return `(${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return objectType(schema);
    default:
      throw new Error(`an unknown type: ${type}`);
  }
}

function objectType({ properties = {}, required = [], additionalProperties = false }: Schema): string {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const isRequired = required.includes(name);
    return `${comment(schema.description)}${key(name)}${isRequired ? '' : '?'}: ${typeOf(schema)};`;
  });
  const isOpen = additionalProperties !== false || rows.length === 0;
  const others = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  if (isOpen) rows.push(`[name: string]: ${Object.keys(properties).length === 0 ? others : 'unknown'};`);
  return `{\n${rows.join('\n')}\n}`;
}

function key(name: string): string {
  return /^([A-Za-z_]\w*|[1-9][0-9]*)$/.test(name) ? name : JSON.stringify(name);
}

function comment(text: string | undefined): string {
  if (text === undefined) return '';
  return `/** ${text.replaceAll('*/', '* /').replaceAll('\n', ' ')} */\n`;
}

function indented(text: string): string {
  let depth = 0;
  return text
    .split('\n')
    .map((line) => {
      const isComment = line.startsWith('/**');
      const closes = !isComment && /^[}\]]/.test(line);
      if (closes) depth -= 1;
      const row = line === '' ? '' : `${'  '.repeat(depth)}${line}`;
      if (!isComment && line.endsWith('{')) depth += 1;
      return row;
    })
    .join('\n');
}

export function apiTypesOfDocument(): string {
  return apiTypes(JSON.parse(readFileSync(join(ROOT, 'docs', 'openapi.json'), 'utf8')) as OpenApi);
}

if (import.meta.main) writeFileSync(join(ROOT, 'sdk', 'api-types.ts'), apiTypesOfDocument());
