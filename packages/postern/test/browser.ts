/** A Chromium for tests, all of it from npm: the machine need have no browser, nor the libraries of one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

export interface TestBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function launchBrowser(): Promise<TestBrowser> {
  const usual = tmpdir();
  const directory = mkdtempSync(join(usual, 'postern-browser-'));
  // The package unpacks into the temporary directory, where test files at once would disturb each other.
  process.env['TMPDIR'] = directory;
  const [executablePath, libraries] = await Promise.all([unpack('chromium.br'), unpack('al2023.tar.br')]);
  process.env['TMPDIR'] = usual;
  const browser = await chromium.launch({
    executablePath,
    env: { LD_LIBRARY_PATH: `${libraries}/lib` },
    // Its own sandbox does not work for root, nor in most containers. The pages here are ours.
    args: ['--no-sandbox'],
  });
  return {
    browser,
    async close() {
      await browser.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Where the file went. */
function unpack(name: string): Promise<string> {
  return inflate(fileURLToPath(new URL(`../bin/${name}`, import.meta.resolve('@sparticuz/chromium'))));
}
