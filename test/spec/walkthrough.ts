/**
 * The bytes of docs/walkthrough-evidence-register.md, from a fixed seed. `node test/spec/walkthrough.ts` writes them into
 * the document, where a test looks for them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockLeaf, encodeEvent, encodeResult } from '../../node-core/chain/block.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import { decodeSign1 } from '../../node-core/crypto/cose.ts';
import { bytesOf, crypto, keyPair, op, World } from '../ledger/world.ts';

export async function walkthrough(): Promise<Record<string, Uint8Array>> {
  const world = await World.open();
  const partner = await world.partner('acme');
  const digest = crypto.hash('sha-256', new TextEncoder().encode('hello'));
  const operation = op.register({ digests: new Map([['sha-256', digest]]), mediaType: 'text/plain', subject: 'lot 7' });
  const fields = { label: 'lot 7', nonce: bytesOf('walkthrough nonce'), expiry: 100, signWith: keyPair('acme') };
  const transaction = world.transaction(partner, [operation], fields);
  const executed = await world.applied(transaction);
  const sign1 = decodeSign1(transaction);
  const key = stateKey.transaction(world.parse(transaction).stem);
  return {
    body: encode(operation.body),
    payload: sign1.payload!,
    protected: sign1.protectedBytes,
    transaction,
    entry_key: key,
    entry: world.store.get(key)!,
    subject: world.store.get(stateKey.subject(partner.id, 'lot 7'))!,
    event: encodeEvent(executed.events[0]!),
    result: encode(encodeResult(executed.results[0]!)),
    block_leaf: blockLeaf(crypto, transaction, executed.results[0]!),
    header: executed.headerBytes,
  };
}

function write(): Promise<void> {
  const path = join(import.meta.dirname, '..', '..', 'docs', 'walkthrough-evidence-register.md');
  return walkthrough().then((parts) => {
    let text = readFileSync(path, 'utf8');
    for (const [name, bytes] of Object.entries(parts)) {
      const lines = toHex(bytes).replace(/.{1,100}/g, '$&\n');
      text = text.replace(new RegExp(`\`\`\`hex ${name}\\n[^\`]*\`\`\``), `\`\`\`hex ${name}\n${lines}\`\`\``);
    }
    writeFileSync(path, text);
  });
}

if (process.argv[1] === import.meta.filename) await write();
