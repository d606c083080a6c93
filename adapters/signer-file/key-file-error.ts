export type KeyFileErrorCode = 'exists' | 'io' | 'permissions' | 'malformed';

/** Names the file and what is wrong with it, never what is in it. */
export class KeyFileError extends Error {
  readonly code: KeyFileErrorCode;
  readonly path: string;

  constructor(code: KeyFileErrorCode, path: string, reason: string) {
    super(`key file ${path}: ${reason}`);
    this.name = 'KeyFileError';
    this.code = code;
    this.path = path;
  }
}
