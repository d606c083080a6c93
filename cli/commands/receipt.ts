import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { proofToJson } from '../../node-core/chain/receipt-json.ts';
import { transparentStatement } from '../../node-core/chain/scitt.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { newFile } from '../files.ts';
import { PROFILE_OPTIONS, urlOf } from '../home.ts';
import { get } from '../http.ts';
import { readProof } from '../proofs.ts';

export const receipt: Command = {
  name: 'receipt',
  usage: '<sender> <nonce> --out <file>   |   <receipt file> [--form cbor|json|scitt] --out <file>',
  summary: 'Fetches a receipt from a node, or turns a receipt into another form.',
  help: `
A receipt has a CBOR form (the default), a JSON form for people and scripts, and can be exported as a
SCITT Transparent Statement (COSE) with one RFC 9942 receipt for each validator that signed.

  brop receipt brop1… 77d0… --out contract.receipt
  brop receipt contract.receipt --form scitt --out contract.cose`,
  options: {
    form: { type: 'string', value: 'form', help: 'cbor (default), json or scitt' },
    out: { type: 'string', value: 'file', help: 'where it goes; without it JSON goes to standard output' },
    ...PROFILE_OPTIONS,
  },
  positionals: [1, 2],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const [first, nonce] = args.positionals;
  const form = args.text('form') ?? (args.text('out') === undefined ? 'json' : 'cbor');
  const bytes = nonce === undefined ? await readProof(first!) : await fetchReceipt(args, first!, nonce);
  const content = convert(bytes, form);
  const target = args.text('out');
  if (target !== undefined) {
    newFile(target).write(typeof content === 'string' ? utf8(content) : content);
    out.line(`${form} receipt in ${target}, ${content.length} bytes`);
    out.result({ ok: true, file: target, form, bytes: content.length });
  } else if (typeof content === 'string') process.stdout.write(content);
  else throw new ExitError(exit.usage, `--out is needed for the form ${form}`);
  return exit.ok;
}

async function fetchReceipt(args: Arguments, sender: string, nonce: string): Promise<Uint8Array> {
  const path = `/v1/transactions/${encodeURIComponent(sender)}/${encodeURIComponent(nonce)}/receipt`;
  return get(urlOf(args), path, 'application/vnd.brop.receipt+cbor');
}

function convert(bytes: Uint8Array, form: string): Uint8Array | string {
  // Whatever form is asked for: what is no proof is refused.
  const json = proofToJson(bytes);
  if (form === 'json') return json;
  if (form === 'cbor') return bytes;
  if (form === 'scitt') return transparentStatement(nativeCrypto, bytes);
  throw new ExitError(exit.usage, '--form is cbor, json or scitt');
}
