/** A block as the API shows it: the fields of its header and what became of its transactions. */
import { z } from '@hono/zod-openapi';
import { codeName } from '../../node-core/chain/codes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { BlockView } from '../../node-core/ports/chain-access.ts';
import { accountId, hash, link, timeMs, uint } from '../schemas.ts';
import { identityView } from './transaction.ts';

export const blockSchema = z
  .object({
    height: uint,
    hash: hash.openapi({ description: 'Header hash.' }),
    timeMs,
    time: z.string().openapi({ format: 'date-time' }),
    protocolVersion: uint,
    chain: hash.openapi({ description: 'Genesis hash.' }),
    parent: hash,
    logSize: uint.openapi({ description: 'Entries of the log after this block.' }),
    logRoot: hash,
    blockRoot: hash,
    stateRoot: hash,
    eventsRoot: hash,
    eventCount: uint,
    validatorsHash: hash,
    nextValidatorsHash: hash,
    round: uint.openapi({ description: 'Round in which it was first proposed.' }),
    proposer: accountId,
    certificate: z.object({ round: uint, signatures: uint }),
    transactions: z.array(
      z.object({
        sender: accountId,
        nonce: hash,
        code: uint,
        name: z.string().nullable(),
        operation: uint.nullable(),
        cost: uint,
        logIndex: uint.nullable(),
      }),
    ),
    links: z.object({ self: link, parent: link }),
  })
  .openapi('Block');

export function blockView({ header, headerHash, transactions, certificate }: BlockView): z.infer<typeof blockSchema> {
  const { height } = header;
  return {
    height,
    hash: toHex(headerHash),
    timeMs: header.timeMs,
    time: new Date(header.timeMs).toISOString(),
    protocolVersion: header.protocolVersion,
    chain: toHex(header.chain),
    parent: toHex(header.parent),
    logSize: header.logSize,
    logRoot: toHex(header.logRoot),
    blockRoot: toHex(header.blockRoot),
    stateRoot: toHex(header.stateRoot),
    eventsRoot: toHex(header.eventsRoot),
    eventCount: header.eventCount,
    validatorsHash: toHex(header.validatorsHash),
    nextValidatorsHash: toHex(header.nextValidatorsHash),
    round: header.round,
    proposer: accountIdToText(header.proposer),
    certificate: { ...certificate },
    transactions: transactions.map(({ sender, nonce, result: [code, operation, cost, logIndex] }) => ({
      ...identityView(sender, nonce),
      code,
      name: codeName(code) ?? null,
      operation,
      cost,
      logIndex,
    })),
    links: { self: `/v1/blocks/${height}`, parent: height === 1 ? '/v1/genesis' : `/v1/blocks/${height - 1}` },
  };
}
