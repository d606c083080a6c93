import { z } from '@hono/zod-openapi';
import { CODES } from '../../node-core/chain/codes.ts';
import type { Quote } from '../../node-core/ports/chain-access.ts';
import { uint } from '../schemas.ts';

export const quoteSchema = z
  .object({
    cost: uint.openapi({ description: 'Points that it would cost in the next block.' }),
    available: uint.openapi({ description: 'Points of the sender now, less what its pending transactions will take.' }),
    refusal: z
      .object({ code: uint, name: z.string(), title: z.string(), detail: z.string().optional() })
      .nullable()
      .openapi({ description: 'Why it would be refused now, the signature apart; null when it would be accepted.' }),
  })
  .openapi('Quote');

export function quoteView({ cost, available, refusal }: Quote): z.infer<typeof quoteSchema> {
  if (refusal === null) return { cost, available, refusal };
  const { code: name, detail } = refusal;
  const { number: code, text: title } = CODES[name];
  return { cost, available, refusal: { code, name, title, ...(detail !== undefined && { detail }) } };
}
