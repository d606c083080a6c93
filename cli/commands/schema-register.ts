import { z } from 'zod';
import { BropError } from '../../node-core/chain/codes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { Command } from '../command.ts';
import { exit } from '../exit-codes.ts';
import { ACCOUNT_OPTIONS } from '../home.ts';
import { readJson } from '../json-file.ts';
import { participantOf } from '../participant.ts';

const MAX_FILE_BYTES = 64_000;

export const registerSchema: Command = {
  name: 'schema register',
  usage: '<schema.json> --name <name>',
  summary: 'Registers what the attributes of a kind of record look like.',
  help: `
The file is JSON Schema, of which this much is taken (docs/spec/operations.md): an object with the
properties of the attributes, each a string, an integer or a boolean, "additionalProperties": false, and
what is required. "x-indexed": true marks what records are searched by. A schema never changes: another
content is another schema. Records that name it are held to it:

  brop schema register goods.json --name goods
  brop register goods.pdf --schema 3f0a… --attribute lot=7 --attribute weight_g=120
  brop query evidence --where attributes.lot=7`,
  options: {
    name: { type: 'string', value: 'text', help: 'what people call it, up to 64 bytes' },
    ...ACCOUNT_OPTIONS,
  },
  positionals: [1, 1],
  run: async (args, out) => {
    const file = args.positionals[0]!;
    const name = args.required('name');
    const json = await readJson(file, z.unknown(), MAX_FILE_BYTES);
    const { client, account } = await participantOf(args);
    try {
      const { schema, summary } = await client.evidence.registerSchema({ name, schema: json }, { label: 'schema' });
      out.line(`registered in block ${summary.height}: schema ${toHex(schema)}, ${name} of ${account}`);
      out.result({ ok: true, height: summary.height, schema: toHex(schema), name, account });
      return exit.ok;
    } catch (error) {
      if (error instanceof CodecError) throw new BropError('TX_BODY', `${file}: ${error.message}.`);
      throw error;
    }
  },
};
