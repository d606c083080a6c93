import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { attributes } from '../../node-core/chain/operations/attributes.ts';
import { DIGEST_ALGORITHMS } from '../../node-core/chain/operations/evidence.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { HashAlgorithm } from '../../node-core/crypto/provider.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit, type ExitError as Failure, toExitError } from '../exit-codes.ts';
import { ACCOUNT_OPTIONS, profileOf } from '../home.ts';
import { inParallel, progress } from '../progress.ts';
import { type About, type Registered, Registrar } from '../registrar.ts';

const IN_FLIGHT = 16;
const MAX_SUBJECT_BYTES = 256;

export const register: Command = {
  name: 'register',
  usage: '<files…> [--out <folder>]',
  summary: 'Registers files as evidence and writes a receipt for each.',
  help: `
Only digests leave this machine. Each receipt is verified before it is written, as <name>.receipt in
the folder given by --out (default: the current one); older receipts stay, a new one gets a number. With
--subject the files become records of one subject, in the order given. With --batch one transaction
holds the root over all files. A file that cannot be read, or changes meanwhile, is reported and the
others go on; the exit code is 0 only when all were registered. Attributes are public, on chain, and
searched by (brop query); a whole number, true or false are taken as such, "7" in quotes as text.

  brop register contract.pdf --out receipts
  brop register scan-1.png scan-2.png --subject "lot 2026-17" --digest sha-256,sm3
  brop register goods.pdf --attribute lot=A7 --attribute weight_g=120`,
  options: {
    out: { type: 'string', value: 'folder', help: 'where the receipts go; default .' },
    subject: { type: 'string', value: 'text', help: 'what the records are about' },
    attribute: { type: 'string', value: 'name=value', help: 'a public attribute; may be given again', multiple: true },
    schema: { type: 'string', value: 'id', help: 'schema that the attributes follow (brop schema register)' },
    batch: { type: 'boolean', help: 'one transaction for all files, a receipt for each' },
    digest: {
      type: 'string',
      value: 'list',
      help: `digest algorithms, of ${DIGEST_ALGORITHMS.join(', ')}; default sha-256`,
    },
    ...ACCOUNT_OPTIONS,
  },
  positionals: [1, 100_000],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const registrar = new Registrar(profileOf(args));
  const folder = args.text('out') ?? '.';
  const about = aboutOf(args);
  const options = { algorithms: algorithmsOf(args), about };
  const files = args.positionals;
  const named = receiptFiles(files, folder);
  const failures: { readonly file: string; readonly error: Failure }[] = [];
  if (args.flag('batch')) {
    const failed = (file: string, error: unknown) => failures.push({ file, error: toExitError(error) });
    report(await registrar.registerBatch(named, options, failed), failures, out);
    return failures[0]?.error.exitCode ?? exit.ok;
  }
  const bar = progress('registering', files.length);
  let done = 0;
  // Records of one subject keep the order of the files: one after the other.
  const outcomes = await inParallel(
    named,
    about.subject === undefined ? IN_FLIGHT : 1,
    async ({ file, name, receiptFile }) => {
      try {
        return await registrar.register(file, name, receiptFile, options);
      } catch (error) {
        failures.push({ file, error: toExitError(error) });
        return null;
      } finally {
        bar.step(++done);
      }
    },
  );
  bar.end();
  report(
    outcomes.filter((outcome) => outcome !== null),
    failures,
    out,
  );
  return failures[0]?.error.exitCode ?? exit.ok;
}

/** A receipt never takes the place of another: the older one is the stronger evidence. */
function receiptFiles(files: readonly string[], folder: string) {
  const taken = new Set<string>();
  return files.map((file) => {
    const name = basename(file);
    let receiptFile = join(folder, `${name}.receipt`);
    for (let n = 2; taken.has(receiptFile) || existsSync(receiptFile); n++) {
      receiptFile = join(folder, `${name}.${n}.receipt`);
    }
    taken.add(receiptFile);
    return { file, name, receiptFile };
  });
}

function aboutOf(args: Arguments): About {
  const subject = subjectOf(args);
  const schema = args.text('schema');
  if (schema !== undefined && !/^[0-9a-f]{64}$/.test(schema))
    throw new ExitError(exit.usage, '--schema is the ID of a schema, 64 hexadecimal digits');
  const given = args.all('attribute').map(attributeOf);
  const named = new Map(given);
  if (named.size !== given.length) throw new ExitError(exit.usage, '--attribute: a name is given twice');
  try {
    if (named.size > 0) attributes.decode(attributes.encode(named), 'attribute');
  } catch (error) {
    if (error instanceof CodecError) throw new ExitError(exit.usage, `--attribute: ${error.message}`);
    throw error;
  }
  return {
    ...(subject !== undefined && { subject }),
    ...(schema !== undefined && { schema: fromHex(schema) }),
    ...(named.size > 0 && { attributes: named }),
  };
}

/** `lot=A7`, `weight_g=120`, `fresh=true`, `lot="7"`. */
function attributeOf(text: string): readonly [string, string | number | boolean] {
  const at = text.indexOf('=');
  if (at < 1) throw new ExitError(exit.usage, '--attribute is name=value');
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  const quoted = /^"(.*)"$/s.exec(value);
  if (quoted !== null) return [name, quoted[1]!];
  return [name, /^(0|-?[1-9][0-9]*)$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : value];
}

function subjectOf(args: Arguments): string | undefined {
  const subject = args.text('subject');
  if (subject === undefined) return undefined;
  const length = Buffer.byteLength(subject);
  if (length < 1 || length > MAX_SUBJECT_BYTES || /\p{Cc}/u.test(subject)) {
    throw new ExitError(exit.usage, `--subject is 1 to ${MAX_SUBJECT_BYTES} bytes of text without control characters`);
  }
  return subject;
}

function algorithmsOf(args: Arguments): readonly HashAlgorithm[] {
  const names = (args.text('digest') ?? 'sha-256').split(',');
  return names.map((name) => {
    const found = DIGEST_ALGORITHMS.find((algorithm) => algorithm === name.trim());
    if (found === undefined)
      throw new ExitError(exit.usage, `--digest: ${name} is none of ${DIGEST_ALGORITHMS.join(', ')}`);
    return found;
  });
}

function report(
  registered: readonly Registered[],
  failures: readonly { readonly file: string; readonly error: Failure }[],
  out: Output,
): void {
  for (const r of registered) {
    out.line(
      `${r.file}: final in block ${r.height} at ${new Date(r.timeMs).toISOString()}, signed by ${r.signatures} of ${r.validators}; receipt ${r.receiptFile}`,
    );
  }
  for (const { file, error } of failures) out.progress(`${file}: failed: ${error.message}`);
  const rows = registered.map(({ file, receiptFile, height, timeMs, digest, sender, nonce }) => ({
    file,
    receipt: receiptFile,
    height,
    timeMs,
    digest,
    sender,
    nonce,
  }));
  const failed = failures.map(({ file, error }) => ({ file, name: error.code, error: error.message }));
  out.result({ ok: failures.length === 0, receipts: rows, failed });
}
