import { destination, pino, stdTimeFunctions } from 'pino';
import type { Log } from '../../node-core/ports/log.ts';

export interface LogOptions {
  /** Everything below is left out; 'info' by default. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Appended to; standard output when absent. */
  readonly file?: string;
  /** Fields of every line, such as the node's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A second net under the rule that fields hold no secrets: these names are blanked, at the top and one level down. */
const SECRET_NAMES = ['key', 'privateKey', 'secret', 'password', 'pin', 'pem', 'token', 'authorization', 'seed'];

/** JSON lines: {"level":"info","time":"2026-11-22T21:00:00.000Z","message":…, …fields}. Errors come with their stack. */
export function createLog(options: LogOptions = {}): Log {
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: options.fields ?? null,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    // Synchronous: the last lines before an end are the ones that matter.
    destination({ dest: options.file ?? 1, append: true, mkdir: options.file !== undefined, sync: true }),
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}
