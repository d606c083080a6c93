/**
 * Schemas over CBOR values: one description serves decoding (strict: unknown fields, wrong types and values out of
 * bounds are refused) and encoding, and its TypeScript type is inferred. Each mirrors a CDDL rule in docs/spec.
 * Encoding checks the same bounds: what a schema writes, it also reads.
 */
import { type CborKey, type CborMap, type CborValue, compareKeys, Tag } from './cbor.ts';
import { CodecError } from './error.ts';

export interface Schema<T> {
  /** @throws {CodecError} kind `schema`; `path` leads to the field. */
  decode(value: CborValue, path: string): T;
  /** @throws {CodecError} kind `schema` for a value that {@link decode} would refuse. */
  encode(value: T): CborValue;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

function refuse(path: string, message: string): never {
  throw new CodecError('schema', message, path);
}

/** A schema whose values are CBOR values themselves, checked alike in both directions. */
function leaf<T extends CborValue>(check: (value: CborValue, path: string) => T): Schema<T> {
  return { decode: check, encode: (value) => check(value, '') };
}

/**
 * Decodes a part of the value at `path`. Where it is, is put together only for an error: those texts would cost more
 * than the decoding.
 */
function inside<T>(path: string, part: string | number, schema: Schema<T>, value: CborValue): T {
  try {
    return schema.decode(value, '');
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw error.under(part === KEY ? path + KEY : typeof part === 'number' ? `${path}[${part}]` : field(path, part));
  }
}

function field(path: string, name: string): string {
  return path === '' ? printable(name) : `${path}.${printable(name)}`;
}

/** No name of a field: it has a space. */
const KEY = ' key';

/** Keys come from strangers: they are named in errors only when short and harmless to print. */
function printable(key: CborKey): string {
  return /^[\w.-]{1,64}$/.test(String(key)) ? String(key) : '(not shown)';
}

export function bytes(bounds: { readonly min?: number; readonly max: number }): Schema<Uint8Array> {
  const { min = 0, max } = bounds;
  return leaf((value, path) => {
    if (!(value instanceof Uint8Array)) return refuse(path, 'not a byte string');
    if (value.length < min || value.length > max)
      return refuse(path, `${value.length} bytes, allowed ${min} to ${max}`);
    return value;
  });
}

export function fixedBytes(length: number): Schema<Uint8Array> {
  return bytes({ min: length, max: length });
}

/**
 * C0 and C1 controls, line and paragraph separators, and the bidirectional controls that reorder what a reader sees.
 * They hide things from people, and forge lines in logs.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** What most text is, and what needs none of the checks above: a byte a character, nothing hidden. */
function isPrintableAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/**
 * Text of `min` to `max` UTF-8 bytes, without control characters.
 * `pattern` must not be sticky or global: such an expression remembers its last match, and gives one value two answers.
 */
export function text(bounds: {
  readonly min?: number;
  readonly max: number;
  readonly pattern?: RegExp;
}): Schema<string> {
  const { min = 1, max, pattern } = bounds;
  if (pattern?.global || pattern?.sticky) throw new Error('a pattern must be neither global nor sticky');
  const encoder = new TextEncoder();
  return leaf((value, path) => {
    if (typeof value !== 'string') return refuse(path, 'not text');
    const isPlain = isPrintableAscii(value);
    const length = isPlain ? value.length : encoder.encode(value).length;
    if (length < min || length > max) return refuse(path, `${length} bytes of text, allowed ${min} to ${max}`);
    if (!isPlain && CONTROL.test(value)) return refuse(path, 'control character in text');
    if (!isPlain && /\p{Surrogate}/u.test(value)) return refuse(path, 'lone surrogate in text');
    if (pattern !== undefined && !pattern.test(value)) return refuse(path, 'text not of the form asked for');
    return value;
  });
}

/** Unsigned integer that JavaScript holds exactly. */
export function uint(bounds: { readonly min?: number; readonly max?: number } = {}): Schema<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return leaf((value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return refuse(path, 'not an unsigned integer');
    if (value < min || value > max) return refuse(path, `allowed ${min} to ${max}`);
    return value;
  });
}

export const bool: Schema<boolean> = leaf((value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'neither true nor false'),
);

/** Any canonical CBOR value; for fields whose meaning belongs to another room. */
export const any: Schema<CborValue> = { decode: (value) => value, encode: (value) => value };

export function literal<const T extends string | number>(expected: T): Schema<T> {
  return leaf((value, path) => (value === expected ? expected : refuse(path, `not ${expected}`)));
}

export function oneOf<const T extends string | number>(...allowed: readonly T[]): Schema<T> {
  return leaf((value, path) =>
    allowed.includes(value as T) ? (value as T) : refuse(path, `not one of ${allowed.join(', ')}`),
  );
}

export function nullable<T>(inner: Schema<T>): Schema<T | null> {
  return {
    decode: (value, path) => (value === null ? null : inner.decode(value, path)),
    encode: (value) => (value === null ? null : inner.encode(value)),
  };
}

export function array<T>(
  item: Schema<T>,
  bounds: { readonly min?: number; readonly max: number },
): Schema<readonly T[]> {
  const { min = 0, max } = bounds;
  const checkCount = (count: number, path: string): void => {
    if (count < min || count > max) refuse(path, `${count} items, allowed ${min} to ${max}`);
  };
  return {
    decode: (value, path) => {
      if (!Array.isArray(value)) return refuse(path, 'not an array');
      checkCount(value.length, path);
      return value.map((element: CborValue, i) => inside(path, i, item, element));
    },
    encode: (value) => {
      checkCount(value.length, '');
      return value.map((element) => item.encode(element));
    },
  };
}

type TupleOf<S extends readonly Schema<unknown>[]> = { readonly [K in keyof S]: Infer<S[K]> };

export function tuple<const S extends readonly Schema<never>[] | readonly Schema<unknown>[]>(
  ...items: S
): Schema<TupleOf<S & readonly Schema<unknown>[]>> {
  const schemas = items as unknown as readonly Schema<unknown>[];
  return {
    decode: (value, path) => {
      if (!Array.isArray(value) || value.length !== schemas.length) return refuse(path, `not ${schemas.length} items`);
      return schemas.map((schema, i) => inside(path, i, schema, value[i])) as never;
    },
    encode: (value) => {
      const elements = value as readonly unknown[];
      if (elements.length !== schemas.length) return refuse('', `not ${schemas.length} items`);
      return schemas.map((schema, i) => schema.encode(elements[i]));
    },
  };
}

/** Text keys of a fixed pattern to values of one kind, 1 to `max` entries; keys come out in encoded order. */
export function dictionary<T>(
  key: Schema<string>,
  value: Schema<T>,
  bounds: { readonly min?: number; readonly max: number },
): Schema<ReadonlyMap<string, T>> {
  const { min = 1, max } = bounds;
  const checkCount = (count: number, path: string): void => {
    if (count < min || count > max) refuse(path, `${count} entries, allowed ${min} to ${max}`);
  };
  return {
    decode: (input, path) => {
      if (!(input instanceof Map)) return refuse(path, 'not a map');
      checkCount(input.size, path);
      const out = new Map<string, T>();
      for (const [name, item] of input as CborMap) {
        if (typeof name !== 'string') return refuse(path, 'a key is not text');
        out.set(inside(path, KEY, key, name), inside(path, name, value, item));
      }
      return out;
    },
    encode: (map) => {
      checkCount(map.size, '');
      return new Map([...map].map(([name, item]) => [key.encode(name) as string, value.encode(item)] as const));
    },
  };
}

type Fields = Readonly<Record<string, Schema<never> | Schema<unknown>>>;
type InferFields<R, O> = { readonly [K in keyof R]: Infer<R[K]> } & { readonly [K in keyof O]?: Infer<O[K]> };

/** A map with the named text keys and no others. Optional fields are left out when absent, never null. */
export function record<const R extends Fields, const O extends Fields = Record<never, never>>(
  required: R,
  optional?: O,
): Schema<InferFields<R, O>> {
  const needed = Object.entries(required) as [string, Schema<unknown>][];
  const extra = Object.entries(optional ?? {}) as [string, Schema<unknown>][];
  // In the order of their encodings, so that the writer need not sort.
  const known = new Map([...needed, ...extra].sort(([a], [b]) => compareKeys(a, b)));
  // Assigning to `__proto__` sets a prototype instead of a field; and a field is required or optional, not both.
  if (known.has('__proto__') || known.size !== needed.length + extra.length) throw new Error('not a set of fields');
  const fields = [...known].map(([key, schema]) => ({
    ...{ key, schema, isRequired: Object.hasOwn(required, key) },
    // What every object inherits under this name is no field.
    isInherited: key in Object.prototype,
  }));
  return {
    decode: (value, path) => {
      if (!(value instanceof Map)) return refuse(path, 'not a map');
      const map = value as CborMap;
      const out: Record<string, unknown> = {};
      let met = 0;
      for (let i = 0; i < fields.length; i++) {
        const { key, schema, isRequired } = fields[i]!;
        const item = map.get(key);
        if (item !== undefined) {
          met += 1;
          out[key] = inside(path, key, schema, item);
        } else if (isRequired) return refuse(path, wrongField(map, known) ?? `field ${key} is missing`);
      }
      return met === map.size ? (out as InferFields<R, O>) : refuse(path, wrongField(map, known)!);
    },
    encode: (value) => {
      const out = new Map<CborKey, CborValue>();
      for (let i = 0; i < fields.length; i++) {
        const { key, schema, isRequired, isInherited } = fields[i]!;
        const isThere = !isInherited || Object.hasOwn(value, key);
        const item = isThere ? (value as Record<string, unknown>)[key] : undefined;
        if (item !== undefined) out.set(key, schema.encode(item));
        else if (isRequired) throw new CodecError('schema', 'field is missing', key);
      }
      return out;
    },
  };
}

/** Of a field that is missing and an unknown one, the second tells more: most are misspelt. */
function wrongField(map: CborMap, known: ReadonlyMap<CborKey, unknown>): string | null {
  for (const key of map.keys()) if (!known.has(key)) return `unknown field ${printable(key)}`;
  return null;
}

export function tagged<T>(tag: number, inner: Schema<T>): Schema<T> {
  return {
    decode: (value, path) =>
      value instanceof Tag && value.tag === tag ? inner.decode(value.value, path) : refuse(path, `not tag ${tag}`),
    encode: (value) => new Tag(tag, inner.encode(value)),
  };
}
