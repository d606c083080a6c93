/** Receipts verify in a browser, from the bundle alone: the page asks no server for anything else. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type * as Verifier from '../../sdk/verify.ts';
import { bundleVerifier } from './bundle.ts';
import { BrowserPage } from './page.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of several shapes.
const vector = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../vectors/brop/${name}.json`, import.meta.url), 'utf8'));
const PAGE =
  '<!doctype html><title>BROP</title><script type="module">globalThis.brop = await import("/brop.js");</script>';

/** What the module puts on the page; code inside `evaluate` runs there. */
declare const brop: typeof Verifier;

let browser: BrowserPage;
const asked: string[] = [];

beforeAll(async () => {
  const { code } = await bundleVerifier();
  const files = new Map<string, readonly [string, Uint8Array | string]>([
    ['/', ['text/html', PAGE]],
    ['/brop.js', ['text/javascript', code]],
  ]);
  browser = await BrowserPage.open(files);
  await browser.page.waitForFunction('globalThis.brop !== undefined');
  browser.page.on('request', (request) => asked.push(request.url()));
});
afterAll(() => browser.close());

it('a receipt and its file, as CBOR and as JSON, and no tampered one', async () => {
  const { genesisHash, file, cbor, json } = vector('receipt');
  const verdicts = await browser.page.evaluate(
    async ([hash, fileHex, receiptHex, jsonText]) => {
      const options = { genesisHash: hash!, file: new Blob([Uint8Array.from(brop.fromHex(fileHex!))]) };
      const receipt = brop.fromHex(receiptHex!);
      const tampered = receipt.slice();
      tampered[tampered.length >> 1]! ^= 1;
      const another = { ...options, file: new Blob(['another file']) };
      return [
        await brop.verifyReceipt(receipt, options),
        await brop.verifyReceipt(jsonText!, options),
        await brop.verifyReceipt(tampered, options),
        await brop.verifyReceipt(receipt, another),
        await brop.verifyReceipt(receipt, { ...options, genesisHash: '00'.repeat(32) }),
        await brop.verifyReceipt(jsonText!.replace('"height":2', '"height":3'), options),
      ];
    },
    [genesisHash, file, cbor, JSON.stringify(json)],
  );
  expect(verdicts[0]).toMatchObject({ ok: true, height: 2, who: { name: 'Example Partner 示例' }, signatures: 3 });
  expect(verdicts[1]).toEqual(verdicts[0]);
  expect(verdicts.slice(2).map((verdict) => !verdict.ok && verdict.code)).toEqual([
    expect.stringMatching(/^PROOF_/),
    'PROOF_FILE',
    'PROOF_GENESIS',
    'PROOF_FORM',
  ]);
  expect(asked).toEqual([]);
});

it('with every suite, state proofs and expiry certificates', async () => {
  const vectors = { suites: vector('suites'), state: vector('state-proofs'), expiry: vector('expiry-certificate') };
  const verdicts = await browser.page.evaluate(async ({ suites, state, expiry }) => {
    const results: unknown[] = [];
    for (const { genesisHash, cbor } of suites)
      results.push((await brop.verifyReceipt(brop.fromHex(cbor), { genesisHash })).ok);
    for (const { key, cbor } of [state.presence, state.absence]) {
      const options = { genesisHash: state.genesisHash, key: brop.fromHex(key) };
      results.push(brop.verifyStateProof(brop.fromHex(cbor), options).ok);
    }
    const transaction = {
      sender: brop.accountIdFromText(expiry.sender),
      nonce: brop.fromHex(expiry.nonce),
      expiry: expiry.expiry,
    };
    results.push(
      brop.verifyExpiryCertificate(brop.fromHex(expiry.cbor), { genesisHash: expiry.genesisHash, transaction }).ok,
    );
    return results;
  }, vectors);
  expect(verdicts).toEqual([true, true, true, true, true, true]);
});

it('takes its time (reported, not judged)', async () => {
  const { genesisHash, cbor } = vector('receipt');
  const timesMs = await browser.page.evaluate(
    async ([hash, receiptHex]) => {
      const receipt = brop.fromHex(receiptHex!);
      const times: number[] = [];
      for (let run = 0; run < 21; run++) {
        const start = performance.now();
        await brop.verifyReceipt(receipt, { genesisHash: hash! });
        times.push(performance.now() - start);
      }
      return times;
    },
    [genesisHash, cbor],
  );
  const sorted = timesMs.toSorted((a, b) => a - b);
  console.log(`Chromium: first receipt ${timesMs[0]!.toFixed(1)} ms, then ${sorted[10]!.toFixed(1)} ms (median)`);
});
