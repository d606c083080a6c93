import { destination, pino, stdTimeFunctions } from 'pino';
import type { Log } from '../../node-core/ports/log.ts';
import { presentable, presentableText } from './log-fields.ts';
import { FloodGate } from './log-flood.ts';

export interface LogOptions {
  /** Everything below is left out; 'info' by default. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Appended to; standard output when absent. */
  readonly file?: string;
  /** Fields of every line, such as the node's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface SystemLog extends Log {
  /** Lines that were left out because their event came too often. */
  readonly suppressed: number;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/**
 * JSON lines: {"level":"info","time":"2026-11-22T21:00:00.000Z","message":…, …fields}. The message is the name of the
 * event and never changes with what happened; errors come with their stack. What floods is thinned out, `suppressed`
 * then says how many lines were left out; debug lines, which somebody asked for, are not.
 */
export function createLog(options: LogOptions = {}): SystemLog {
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: options.fields === undefined ? null : presentable(options.fields),
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: the last lines before an end are the ones that matter.
    destination({ dest: options.file ?? 1, append: true, mkdir: options.file !== undefined, sync: true }),
  );
  const gate = new FloodGate();
  const write =
    (level: Level) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (!logger.isLevelEnabled(level)) return;
      const left = level === 'debug' ? 0 : gate.enter(message, subjectOf(fields));
      if (left === null) return;
      const shown = presentable(fields);
      logger[level](left === 0 ? shown : { ...shown, suppressed: left }, presentableText(message));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    get suppressed() {
      return gate.suppressed;
    },
  };
}

/** Who or what an event is about, among those that can cause one without end. */
function subjectOf({ peer, address }: Readonly<Record<string, unknown>>): string {
  return String(peer ?? address ?? '');
}
