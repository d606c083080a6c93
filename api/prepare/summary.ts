import type { Transaction } from '../../node-core/chain/transaction.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { bodyToJson, type Json } from './operation-json.ts';

/** What a transaction says, read from its bytes and not from what was asked for: in full, nothing left out. */
export function summaryOf({ chain, sender, suite, keyId, label, nonce, expiry, operations }: Transaction) {
  return {
    chain: toHex(chain),
    sender: accountIdToText(sender),
    key: { suite, id: toHex(keyId) },
    label,
    nonce: toHex(nonce),
    expiry,
    operations: operations.map(({ type, body }) => ({ type, body: bodyToJson(type, body) })),
  };
}

/** The same in lines for people. */
export function linesOf(summary: ReturnType<typeof summaryOf>): readonly string[] {
  const { chain, sender, key, label, nonce, expiry, operations } = summary;
  return [
    `chain: ${chain}`,
    `sender: ${sender} (key ${key.id}, ${key.suite})`,
    `label: ${label}`,
    `nonce: ${nonce}`,
    `may be packed up to block ${expiry}, and never after it`,
    ...operations.flatMap(({ type, body }, i) => [`operation ${i + 1}: ${type}`, ...fieldsOf(body, '  ')]),
  ];
}

function fieldsOf(value: Json, indent: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [`${indent}${JSON.stringify(value)}`];
  return Object.entries(value as { readonly [key: string]: Json }).flatMap(([name, item]) => {
    const isLeaf = typeof item !== 'object' || item === null;
    // As JSON: a text with a line break in it must not look like a field of its own.
    return isLeaf
      ? [`${indent}${name}: ${JSON.stringify(item)}`]
      : [`${indent}${name}:`, ...fieldsOf(item, `${indent}  `)];
  });
}
