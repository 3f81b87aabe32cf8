/** A Chromium for tests, all of it from npm: the machine need have no browser, nor the libraries of one. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

export interface TestBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function launchBrowser(): Promise<TestBrowser> {
  const directory = await unpackOnce();
  const browser = await chromium.launch({
    executablePath: join(directory, 'chromium'),
    env: { LD_LIBRARY_PATH: join(directory, 'al2023/lib') },
    // Its own sandbox does not work for root, nor in most containers. The pages here are ours.
    args: ['--no-sandbox'],
  });
  return { browser, close: () => browser.close() };
}

const packed = (name: string) => fileURLToPath(new URL(`../bin/${name}`, import.meta.resolve('@sparticuz/chromium')));

/** Where the browser is unpacked, which takes three seconds: by the first test file that needs it, for all that come after. */
async function unpackOnce(): Promise<string> {
  const cache = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url));
  const directory = join(cache, `postern-test-browser-${statSync(packed('chromium.br')).size}`);
  if (!existsSync(directory)) {
    mkdirSync(cache, { recursive: true });
    const draft = mkdtempSync(`${directory}-`);
    await unpackInto(draft);
    try {
      renameSync(draft, directory);
    } catch (error) {
      // Another test file was faster.
      rmSync(draft, { recursive: true });
      if (!existsSync(directory)) {
        throw error;
      }
    }
  }
  return directory;
}

/** The package unpacks into the temporary directory, whatever that is. */
async function unpackInto(directory: string): Promise<void> {
  const usual = process.env['TMPDIR'];
  process.env['TMPDIR'] = directory;
  try {
    await Promise.all(['chromium.br', 'al2023.tar.br'].map((name) => inflate(packed(name))));
  } finally {
    if (usual === undefined) {
      delete process.env['TMPDIR'];
    } else {
      process.env['TMPDIR'] = usual;
    }
  }
}
