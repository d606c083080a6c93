/** A page on 127.0.0.1 with the bundle, in the Chromium that scripts/setup unpacks. */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';

const EXECUTABLE = join(import.meta.dirname, '..', '..', '.cache', 'chromium', 'chromium');

export class BrowserPage {
  readonly page: Page;
  private readonly server: Server;
  private readonly browser: Browser;

  private constructor(server: Server, browser: Browser, page: Page) {
    this.server = server;
    this.browser = browser;
    this.page = page;
  }

  /** @param files by path, with their content types. */
  static async open(
    files: ReadonlyMap<string, readonly [type: string, body: Uint8Array | string]>,
  ): Promise<BrowserPage> {
    if (!existsSync(EXECUTABLE))
      throw new Error('There is no .cache/chromium: run `npm test`, or `node scripts/setup.mjs test`.');
    const server = createServer((request, response) => {
      const [type, body] = files.get(request.url ?? '') ?? [undefined, undefined];
      if (type === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'Content-Type': type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await playwright.launch({ executablePath: EXECUTABLE, args: chromium.args, headless: true });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return new BrowserPage(server, browser, page);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
