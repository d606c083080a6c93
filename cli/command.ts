/** What a command of `brop` is: how it is called, what it explains, what it does. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ExitError, exit } from './exit-codes.ts';

export type OptionSpecs = Readonly<
  Record<
    string,
    { readonly type: 'string' | 'boolean'; readonly value?: string; readonly help: string; readonly multiple?: boolean }
  >
>;

export interface Arguments {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** All values of an option that may be given more than once. */
  all(name: string): readonly string[];
  /** @throws {ExitError} usage, when the option is absent. */
  required(name: string): string;
}

export interface Command {
  readonly name: string;
  /** `<receipt> [file]`: as it stands behind the name. */
  readonly usage: string;
  readonly summary: string;
  /** Further paragraphs of `--help`; teaches by an example. */
  readonly help: string;
  readonly options: OptionSpecs;
  /** Fewest and most arguments that are no options. */
  readonly positionals: readonly [number, number];
  run(args: Arguments, out: Output): Promise<number>;
}

/** Names of files and words of a node reach a terminal only without what could steer it. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** Where a command speaks: people read lines on stderr and stdout, machines one JSON document on stdout. */
export interface Output {
  readonly json: boolean;
  readonly colour: boolean;
  /** A line of the answer, for people. */
  line(text: string): void;
  /** What is going on; stderr, never part of the answer. */
  progress(text: string): void;
  /** The answer for machines: one line of JSON. */
  result(value: Readonly<Record<string, unknown>>): void;
}

const COMMON: OptionSpecs = {
  json: { type: 'boolean', help: 'print one JSON document instead of text' },
  help: { type: 'boolean', help: 'show this help' },
};

/** @throws {ExitError} usage, with one line that says what is wrong. */
export function parse(command: Command, argv: readonly string[]): Arguments {
  const specs = { ...command.options, ...COMMON };
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, { type, multiple = false }] of Object.entries(specs)) options[name] = { type, multiple };
  let parsed: { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] };
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new ExitError(
      exit.usage,
      `${error instanceof Error ? error.message : String(error)} (see: brop ${command.name} --help)`,
    );
  }
  const { values, positionals } = parsed;
  const [fewest, most] = command.positionals;
  if (values.help !== true && (positionals.length < fewest || positionals.length > most)) {
    throw new ExitError(exit.usage, `usage: brop ${command.name} ${command.usage}`);
  }
  const text = (name: string) => values[name] as string | undefined;
  return {
    positionals,
    text,
    all: (name) => (values[name] ?? []) as readonly string[],
    flag: (name) => values[name] === true,
    required: (name) => {
      const value = text(name);
      if (value === undefined)
        throw new ExitError(
          exit.usage,
          `--${name} is needed: ${specs[name]?.help ?? ''} (see: brop ${command.name} --help)`,
        );
      return value;
    },
  };
}

export function helpOf(command: Command): string {
  const rows = Object.entries({ ...command.options, ...COMMON }).map(([name, { value, help }]) => {
    const left = `--${name}${value === undefined ? '' : ` <${value}>`}`;
    return `  ${left.padEnd(26)} ${help}`;
  });
  return `brop ${command.name} ${command.usage}\n\n${command.summary}\n\n${command.help.trim()}\n\nOptions:\n${rows.join('\n')}\n`;
}
