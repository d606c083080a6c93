import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { decodeGenesis, type GenesisDocument, PROTOCOL_VERSION, signGenesis } from '../../node-core/chain/genesis.ts';
import { DEFAULT_PARAMETERS, type Parameters } from '../../node-core/chain/parameters.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { readGenesis } from '../../nodes/run-node.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { readJson } from '../json-file.ts';
import { publicKeyJson, publicKeyOf } from '../public-keys.ts';

const participant = {
  name: z.string().min(1),
  accountKey: publicKeyJson,
  legal: z.strictObject({ version: z.string().min(1), file: z.string().min(1) }),
  quota: z.strictObject({ max: z.number().int().min(0), periodMs: z.number().int().min(1) }),
};
const description = z.strictObject({
  name: z.string().min(1),
  timeMs: z.number().int().min(0).optional(),
  stateHash: z.enum(['sha-256', 'sm3']).default('sha-256'),
  operator: z.strictObject(participant),
  validators: z.array(
    z.strictObject({
      ...participant,
      power: z.number().int().min(1).default(1),
      consensusKey: publicKeyJson,
      standbyKey: publicKeyJson.optional(),
      nodeKey: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  parameters: z.record(z.string(), z.unknown()).default({}),
});
type Description = z.infer<typeof description>;
const MAX_DESCRIPTION_BYTES = 1_000_000;

export const genesis: Command = {
  name: 'genesis',
  usage: '<description.json> --key <operator key> --out <genesis.cbor>   |   --show <genesis.cbor>',
  summary: 'Makes and signs the genesis of a chain, or shows one.',
  help: `
The description names the operator, the validators with their keys and fingerprints, and the
parameters that differ from the defaults (docs/spec/genesis.md). "legal" names the version and the
file of each participant's legal document; its SHA-256 goes into the genesis. The hash that is
printed is the name of the chain: all that a verifier needs to know.

  brop genesis consortium.json --key operator-key.json --out genesis.cbor
  brop genesis --show genesis.cbor`,
  options: {
    key: { type: 'string', value: 'file', help: "the operator's account key" },
    out: { type: 'string', value: 'file', help: 'where the genesis goes; never overwritten' },
    show: { type: 'string', value: 'file', help: 'check and show this genesis instead' },
  },
  positionals: [0, 1],
  run: async (args, out) => {
    const shown = args.text('show');
    return shown === undefined ? make(args, out) : show(shown, out);
  },
};

function show(path: string, out: Output): number {
  const { hash, document } = readGenesis(path);
  const hex = toHex(hash);
  const names = document.validators.map(({ name, power }) => ({ name, power }));
  out.line(`genesis ${hex}\nchain ${document.name}, made ${new Date(document.timeMs).toISOString()}`);
  out.line(
    `operator ${document.operator.name}\nvalidators ${names.map(({ name, power }) => `${name} (${power})`).join(', ')}`,
  );
  out.result({ ok: true, genesis: hex, name: document.name, operator: document.operator.name, validators: names });
  return exit.ok;
}

async function make(args: Arguments, out: Output): Promise<number> {
  const source = args.positionals[0];
  if (source === undefined) throw new ExitError(exit.usage, 'a description is needed (see: brop genesis --help)');
  const target = args.required('out');
  if (existsSync(target)) throw new ExitError(exit.usage, `${target} exists and is not overwritten`);
  const document = documentOf(await readJson(source, description, MAX_DESCRIPTION_BYTES), dirname(resolve(source)));
  const bytes = await signGenesis(nativeCrypto, document, openKeyFile(args.required('key')).sign);
  const { hash } = decodeGenesis(nativeCrypto, bytes);
  writeFileSync(target, bytes, { flag: 'wx' });
  out.line(`genesis ${toHex(hash)} in ${target}`);
  out.result({ ok: true, genesis: toHex(hash), file: target });
  return exit.ok;
}

function documentOf(input: Description, folder: string): GenesisDocument {
  const base = (p: Description['operator']) => ({
    name: p.name,
    accountKey: publicKeyOf(p.accountKey),
    legal: { version: p.legal.version, digest: digestOf(resolve(folder, p.legal.file)) },
    quota: p.quota,
  });
  return {
    protocolVersion: PROTOCOL_VERSION,
    name: input.name,
    timeMs: input.timeMs ?? Date.now(),
    stateHash: input.stateHash,
    operator: base(input.operator),
    validators: input.validators.map((v) => ({
      ...base(v),
      power: v.power,
      consensusKey: publicKeyOf(v.consensusKey),
      nodeKey: fromHex(v.nodeKey),
      ...(v.standbyKey !== undefined && { standbyKey: publicKeyOf(v.standbyKey) }),
    })),
    parameters: { ...DEFAULT_PARAMETERS, ...(input.parameters as Partial<Parameters>) },
  };
}

function digestOf(path: string): Uint8Array {
  try {
    return nativeCrypto.hash('sha-256', readFileSync(path));
  } catch {
    throw new BropError('FILE_UNREADABLE', path);
  }
}
