/** Why bytes were refused by the codec. The ledger maps each to a numbered code (docs/spec/codes.md). */
export type CodecErrorKind = 'malformed' | 'nonCanonical' | 'limit' | 'schema';

/** Thrown by every decoder in this room; `path` names the field, never its value. */
export class CodecError extends Error {
  readonly kind: CodecErrorKind;
  readonly path: string;
  private readonly what: string;

  constructor(kind: CodecErrorKind, message: string, path = '') {
    super(path === '' ? message : `${path}: ${message}`);
    this.name = 'CodecError';
    this.kind = kind;
    this.path = path;
    this.what = message;
  }

  /** The same, seen from what contains the field: `prefix` leads there. */
  under(prefix: string): CodecError {
    const isPart = this.path === '' || /^[[ .]/.test(this.path);
    return new CodecError(this.kind, this.what, isPart ? prefix + this.path : `${prefix}.${this.path}`);
  }
}
