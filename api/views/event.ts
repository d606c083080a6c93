/** Events as the API shows them, and how they are asked for. */
import { z } from '@hono/zod-openapi';
import type { FieldValue } from '../../node-core/ledger/projection.ts';
import { EVENT_TYPES } from '../../node-core/middleware/events/catalogue.ts';
import type { EventLog } from '../../node-core/middleware/events/event-log.ts';
import {
  type EventFilter,
  filterRefusal,
  MAX_FILTER_FIELDS,
  MAX_FILTER_TYPES,
  MAX_FILTER_VALUE_LENGTH,
  valueFromText,
} from '../../node-core/middleware/events/filter.ts';
import { cursorOf } from '../../node-core/middleware/events/position.ts';
import type { Position } from '../../node-core/ports/subscription-store.ts';
import { ProblemError, problemOf } from '../problem.ts';
import { accountId, hash, link, uint } from '../schemas.ts';

export const CURSOR_PATTERN = '^(evt_[0-9a-f]{8}_[0-9]{1,15}_[0-9]{1,5}_[0-9]{1,5}|0|[1-9][0-9]{0,14})$';
const MAX_FIELD_LENGTH = 128;

export const fieldValue = z.union([z.string(), z.number(), z.boolean()]);

export const eventSchema = z
  .object({
    id: z.string().openapi({ description: 'The same on every node, and the cursor after which to go on.' }),
    type: z.string().openapi({ description: 'docs/asyncapi.json has them all.', example: 'evidence.registered' }),
    timestamp: z.string().openapi({ format: 'date-time', description: 'Time of the block.' }),
    height: uint,
    transaction: z
      .object({ sender: accountId, nonce: hash, index: uint, operation: uint.nullable() })
      .optional()
      .openapi({ description: 'Not with what is of the block as a whole.' }),
    data: z.record(z.string(), z.union([fieldValue, z.array(fieldValue)])),
    links: z.object({ block: link, transaction: link.optional(), receipt: link.optional() }),
  })
  .openapi('Event');

/** One or several of the same parameter. */
function several(maxLength: number, maxItems: number, description: string, example: readonly string[]) {
  const one = z.string().min(1).max(maxLength);
  return z
    .union([one.transform((text) => [text]), z.array(one).max(maxItems)])
    .default([])
    .openapi({ type: 'array', items: { type: 'string' }, maxItems, description, example });
}

export const eventQuery = {
  after: z.string().max(64).optional().openapi({
    pattern: CURSOR_PATTERN,
    description: 'The ID of an event, or a height: what comes after it.',
    example: '0',
  }),
  type: several(
    64,
    MAX_FILTER_TYPES,
    `A type; repeat it for more. Known are ${EVENT_TYPES.map(({ type }) => type).join(', ')}.`,
    ['evidence.registered'],
  ),
  where: several(
    MAX_FIELD_LENGTH + MAX_FILTER_VALUE_LENGTH,
    MAX_FILTER_FIELDS,
    '`field=value`, of a field that all the types have; repeat it for more. A list has the value among its own.',
    ['subject=lot 7'],
  ),
};

export interface EventQuery {
  readonly type: readonly string[];
  readonly where: readonly string[];
}

/** @throws {ProblemError} EVENT_TYPE_UNKNOWN, EVENT_FIELD_UNKNOWN, BAD_REQUEST */
export function filterOf({ type, where }: EventQuery): EventFilter {
  const filter: Record<string, FieldValue> = {};
  for (const condition of where) {
    const at = condition.indexOf('=');
    const name = condition.slice(0, Math.max(0, at));
    if (name === '') throw new ProblemError('BAD_REQUEST', { detail: 'where: not field=value' });
    if (Object.hasOwn(filter, name)) throw new ProblemError('BAD_REQUEST', { detail: 'where: a field twice' });
    // `__proto__` would set no member of its own, and so would ask for nothing.
    Object.defineProperty(filter, name, {
      value: valueFromText(type, name, condition.slice(at + 1)),
      ...{ enumerable: true, configurable: true, writable: true },
    });
  }
  const refused = filterRefusal({ types: type, filter });
  if (refused !== null) throw problemOf(refused);
  return { types: type, filter };
}

/** @throws {ProblemError} EVENT_CURSOR_INVALID; PRUNED for what this node no longer keeps */
export function placeOf(events: EventLog, cursor: string): Position {
  const position = cursorOf(events.genesisHash, cursor);
  if (position === undefined) throw new ProblemError('EVENT_CURSOR_INVALID');
  if (position[0] < events.firstHeight)
    throw new ProblemError('PRUNED', { detail: `Events are kept from height ${events.firstHeight} on.` });
  return position;
}

/** @throws {ProblemError} NOT_FOUND on a node that has none */
export function eventsOr404(events: EventLog | undefined): EventLog {
  if (events === undefined) throw new ProblemError('NOT_FOUND', { detail: 'this node serves no events' });
  return events;
}
