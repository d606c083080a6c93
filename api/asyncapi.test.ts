/** docs/asyncapi.json is what the table of events says, a sound AsyncAPI 3 document, and true of what is sent. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import Ajv from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../node-core/middleware/events/catalogue.ts';
import { eventsOf } from '../node-core/middleware/events/event.ts';
import { eventView } from '../node-core/middleware/events/event-view.ts';
import { finalizedBlock } from '../node-core/middleware/finalized-block.ts';
import { fakeApi } from '../test/api/fake-api.ts';
import { blockDraw, RandomChain } from '../test/ledger/random-chain.ts';
import { crypto } from '../test/ledger/world.ts';
import { asyncApiText } from './write-asyncapi.ts';

interface Document {
  readonly channels: Readonly<Record<string, { readonly messages: Readonly<Record<string, unknown>> }>>;
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: object }>> };
}

const committed = readFileSync(join(import.meta.dirname, '..', 'docs', 'asyncapi.json'), 'utf8');
const document = JSON.parse(committed) as Document;
const ajv = new Ajv.default({ strict: false, validateFormats: false, allErrors: true });

describe('docs/asyncapi.json', () => {
  it('has not drifted from the table; if it has: node api/write-asyncapi.ts', () => {
    expect(asyncApiText()).toBe(committed);
  });

  it('is what a node serves', async () => {
    expect(await (await fakeApi().api.request('/asyncapi.json')).json()).toEqual(document);
  });

  it('is valid by the schema of AsyncAPI 3.0.0', () => {
    const path = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json');
    const isValid = ajv.compile(JSON.parse(readFileSync(path, 'utf8')) as object);
    isValid(document);
    expect(isValid.errors ?? []).toEqual([]);
  });

  it('has a message for each type, in both channels, and every reference leads somewhere', () => {
    const keys = EVENT_TYPES.map(({ type }) => type.replace('.', '_'));
    expect(Object.keys(document.components.messages)).toEqual([...keys, 'webhook_ping']);
    expect(Object.keys(document.channels.stream!.messages)).toEqual(keys);
    expect(Object.keys(document.channels.webhook!.messages)).toEqual([...keys, 'webhook_ping']);
    for (const [, path] of committed.matchAll(/"\$ref": "#\/([^"]+)"/g)) {
      const found = path!.split('/').reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], document);
      expect(found, path).toBeDefined();
    }
  });
});

it('whatever the chain, what is sent is as the document says', async () => {
  const checks = new Map(EVENT_TYPES.map(({ type }) => [type, compiled(type)]));
  function compiled(type: string) {
    return ajv.compile(document.components.messages[type.replace('.', '_')]!.payload);
  }
  await fc.assert(
    fc.asyncProperty(fc.array(blockDraw, { minLength: 1, maxLength: 5 }), async (draws) => {
      const chain = await RandomChain.open();
      for (const draw of draws) {
        await chain.draw(draw);
        const { store, genesis } = chain.world;
        const block = finalizedBlock(crypto, (await store.block(store.height))!);
        for (const event of eventsOf(genesis.hash, block)) {
          const check = checks.get(event.type)!;
          check(JSON.parse(JSON.stringify(eventView(event))));
          expect(check.errors ?? []).toEqual([]);
        }
      }
    }),
    { numRuns: 20 },
  );
});
