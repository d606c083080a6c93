/** What may stand in a log line: never a secret, never bytes, never more than a bounded amount. */

const SECRET = '[secret]';
/** Words that name a secret in any spelling: `private_key`, `apiToken`, `PIN`. A `publicKey` is none. */
const SECRET_NAME = /private|secret|password|passphrase|credential|token|authorization|cookie|mnemonic/i;
const SECRET_NAMES = new Set(['key', 'pin', 'pem', 'seed', 'd']);
/** A private key in PEM, and the credentials in an Authorization header or a URL, wherever a text has them. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, SECRET],
  [/\b(Bearer|Basic)\s+[\w+/.~=-]{8,}/g, `$1 ${SECRET}`],
  [/(\w:\/\/)[^\s/@]*:[^\s/@]*@/g, `$1${SECRET}@`],
];

const MAX_DEPTH = 4;
const MAX_ENTRIES = 50;
const MAX_TEXT = 4_096;

export function presentable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return presentableObject(fields, 0);
}

function presentableObject(object: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(object).slice(0, MAX_ENTRIES);
  return Object.fromEntries(entries.map(([name, value]) => [name, isSecretName(name) ? SECRET : shown(value, depth)]));
}

function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.toLowerCase()) || SECRET_NAME.test(name);
}

function shown(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return presentableText(value);
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : shownObject(value, depth);
    case 'number':
    case 'boolean':
      return value;
    default:
      return undefined;
  }
}

function shownObject(value: object, depth: number): unknown {
  // Whose bytes are worth a line is written as text by whoever logs: a key must not get in by way of an object.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return shownError(value, depth);
  if (depth >= MAX_DEPTH) return '[…]';
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => shown(item, depth + 1));
  if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
  return presentableObject(value, depth + 1);
}

function shownError({ name, message, stack, cause }: Error, depth: number): Record<string, unknown> {
  return {
    type: name,
    message: presentableText(message),
    stack: presentableText(stack ?? ''),
    ...(cause !== undefined && depth < MAX_DEPTH && { cause: shown(cause, depth + 1) }),
  };
}

export function presentableText(text: string): string {
  const clean = SECRET_TEXTS.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text);
  return clean.length <= MAX_TEXT ? clean : `${clean.slice(0, MAX_TEXT)}… (${clean.length} characters)`;
}
