/** The AsyncAPI 3 document, generated from the table of event types (node-core/middleware/events/catalogue.ts). */
import type { EventDeclaration, EventField } from '../node-core/ledger/event-declaration.ts';
import type { FieldType } from '../node-core/ledger/projection.ts';
import { EVENT_TYPES } from '../node-core/middleware/events/catalogue.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const INFO = {
  title: 'BROP events',
  version: '1.0.0',
  description:
    'What happens on the chain, by webhook (Standard Webhooks 1.0) and as Server-Sent Events. 链上事件：webhook 与推送流。\n\n' +
    'Every event follows from a final block, so that all nodes tell the same under the same ID. Deliveries are at least ' +
    'once: an ID that has been seen is a repetition. Events about one subject come in the order of the chain. Later ' +
    'releases add types and fields: ignore what you do not know. docs/events.md is the guide.',
  license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
};

const reference = (...path: readonly string[]): JsonObject => ({ $ref: `#/${path.join('/')}` });
const text = (description: string, more: JsonObject = {}): JsonObject => ({ type: 'string', description, ...more });
const count = (description: string): JsonObject => ({ type: 'integer', minimum: 0, description });
const account = (description: string) => text(description, { pattern: '^brop1[02-9ac-hj-np-z]{38}$' });
const hash = (description: string) => text(description, { pattern: '^[0-9a-f]{64}$' });

const FORMS: Readonly<Record<FieldType, (description: string) => JsonObject>> = {
  text,
  integer: (description) => ({ type: 'integer', description }),
  boolean: (description) => ({ type: 'boolean', description }),
  account,
  hash,
  digest: (description) => text(description, { pattern: '^[a-z0-9-]+:[0-9a-f]+$' }),
};

function fieldSchema({ type, description, list = false, filter }: EventField): JsonObject {
  const one = FORMS[type](filter ? `${description} Subscriptions may ask for a value of it.` : description);
  return list ? { type: 'array', items: one } : one;
}

function dataSchema({ fields, open }: EventDeclaration): JsonObject {
  const required = Object.entries(fields).flatMap(([name, { optional = false }]) => (optional ? [] : [name]));
  const properties = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)] as const);
  const anything = { type: ['string', 'number', 'boolean'], description: 'As the registrant calls it.' };
  return {
    type: 'object',
    required,
    properties: Object.fromEntries(properties),
    ...(open !== undefined && { patternProperties: { [`^${open.replace('.', '\\.')}`]: anything } }),
  };
}

const TRANSACTION: JsonObject = {
  type: 'object',
  description: 'The transaction that it comes from; not with what is of the block as a whole.',
  required: ['sender', 'nonce', 'index', 'operation'],
  properties: {
    sender: account('Who sent it.'),
    nonce: hash('With the sender the identity of the transaction.'),
    index: count('Its place in the block.'),
    operation: {
      type: ['integer', 'null'],
      minimum: 0,
      description: 'Which of its operations; null: the whole of it.',
    },
  },
};

const LINKS: JsonObject = {
  type: 'object',
  description: 'Paths in the API of any node of the chain.',
  required: ['block'],
  properties: { block: text('The block.'), transaction: text('The transaction.'), receipt: text('Its receipt.') },
};

function payload(declaration: EventDeclaration): JsonObject {
  return {
    type: 'object',
    required: ['id', 'type', 'timestamp', 'height', 'data', 'links'],
    properties: {
      id: text('The same on every node; also the cursor after which to go on.', {
        pattern: '^evt_[0-9a-f]{8}_[0-9]+_[0-9]+_[0-9]+$',
      }),
      type: { const: declaration.type },
      timestamp: text('Time of the block.', { format: 'date-time' }),
      height: count('Height of the block.'),
      transaction: TRANSACTION,
      data: dataSchema(declaration),
      links: LINKS,
      receipt: {
        type: ['string', 'null'],
        pattern: '^[A-Za-z0-9_-]*$',
        description:
          'In webhooks alone: the receipt file of the transaction in base64url, for brop verify and every other ' +
          'verifier. null for what is of a whole block, and where it would make the payload longer than 20 kB: ' +
          '`links.receipt` leads to it.',
      },
    },
  };
}

const PING: JsonObject = {
  name: 'webhook.ping',
  title: 'webhook.ping',
  summary: 'A test message, when the owner of a subscription asks for one.',
  headers: reference('components', 'schemas', 'webhookHeaders'),
  payload: {
    type: 'object',
    required: ['type', 'timestamp', 'data'],
    properties: {
      type: { const: 'webhook.ping' },
      timestamp: text('When it was sent.', { format: 'date-time' }),
      data: {
        type: 'object',
        required: ['subscription'],
        properties: { subscription: text('ID of the subscription.') },
      },
    },
  },
};

const WEBHOOK_HEADERS: JsonObject = {
  type: 'object',
  required: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  properties: {
    'webhook-id': text('ID of the event: the same at each attempt, so that it serves as idempotency key.'),
    'webhook-timestamp': text('When this attempt was made, in seconds since 1970 UTC.', { pattern: '^[0-9]+$' }),
    'webhook-signature': text(
      'Of `id.timestamp.body`: `v1a,` and an Ed25519 signature, or `v1,` and an HMAC-SHA256, in base64; several are ' +
        'separated by blanks while keys are changed.',
    ),
  },
};

function message(declaration: EventDeclaration): JsonObject {
  const { type, description, subject } = declaration;
  const order =
    subject === null
      ? 'In no order with others.'
      : `In the order of the chain${subject.length === 0 ? '' : `, for each ${subject.join(' and ')}`}.`;
  return { name: type, title: type, summary: description, description: order, payload: payload(declaration) };
}

const key = (type: string) => type.replace('.', '_');

export function asyncApiDocument(): JsonObject {
  const keys = EVENT_TYPES.map(({ type }) => key(type));
  const carried = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, reference('components', 'messages', name)]));
  const messages = EVENT_TYPES.map((declaration) => [key(declaration.type), message(declaration)] as const);
  const operation = (channel: string, summary: string, more: JsonObject = {}): JsonObject => ({
    ...{ action: 'send', channel: reference('channels', channel), summary },
    ...more,
  });
  return {
    asyncapi: '3.0.0',
    info: INFO,
    defaultContentType: 'application/json',
    servers: {
      node: { host: 'node.example', protocol: 'https', description: 'Any node of the chain that has an API.' },
    },
    channels: {
      stream: {
        address: '/v1/events/stream',
        title: 'Server-Sent Events',
        description: 'Filtered by the query; goes on after `Last-Event-ID`. docs/openapi.json describes the request.',
        servers: [reference('servers', 'node')],
        messages: carried(keys),
      },
      webhook: {
        address: null,
        title: 'Webhook',
        description: 'POST to the URL of a subscription (POST /v1/subscriptions), signed by Standard Webhooks 1.0.',
        messages: carried([...keys, 'webhook_ping']),
      },
    },
    operations: {
      sendEvent: operation('stream', 'The node sends events to who listens.'),
      deliverEvent: operation('webhook', 'The node delivers events to who has subscribed.', {
        description:
          'With the headers of #/components/schemas/webhookHeaders. Any 2xx within 15 s accepts it; 410 ends the ' +
          'subscription; everything else is tried again.',
        traits: [reference('components', 'operationTraits', 'signed')],
      }),
    },
    components: {
      messages: { ...Object.fromEntries(messages), webhook_ping: PING },
      operationTraits: { signed: { title: 'Signed', bindings: { http: { method: 'POST' } } } },
      schemas: { webhookHeaders: WEBHOOK_HEADERS },
    },
  };
}
