/** The guard in a service worker of Chromium: the catalogue of cases, and an API beside which nothing runs. docs/protect-an-api.md. RFC 6750 §3.1. */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from '../../postern/test/browser.ts';
import type { GuardCase } from '../cases/guard-case.ts';
import { serveFeed, type TestFeed } from './feed.ts';
import { startIssuer, type TestIssuer } from './issuer.ts';
import { bundle } from './runtimes/programs.ts';
import type { CatalogueReport } from './runtimes/run-catalogue.ts';

const docs = new URL('../../../docs/', import.meta.url).pathname;
const cases = globSync('guard-cases/*.json', { cwd: docs }).flatMap(
  (path): GuardCase[] => JSON.parse(readFileSync(docs + path, 'utf8')).cases,
);
const folder = mkdtempSync(join(tmpdir(), 'postern-service-worker-'));

let issuer: TestIssuer;
let feed: TestFeed;
let browser: TestBrowser;

beforeAll(async () => {
  const script = join(folder, 'worker.mjs');
  await bundle(new URL('runtimes/in-service-worker.ts', import.meta.url).pathname, script);
  issuer = await startIssuer();
  feed = serveFeed(issuer);
  const serve = (path: string, type: string, body: string) =>
    issuer.documents.set(path, (_request, response) => void response.setHeader('content-type', type).end(body));
  serve('/', 'text/html', '<!doctype html><title>Page</title>');
  serve('/worker.mjs', 'text/javascript', readFileSync(script, 'utf8'));
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await issuer.close();
  rmSync(folder, { recursive: true });
});

test('decides every case of the catalogue, and refuses a token that is revoked meanwhile', async () => {
  const page = await browser.browser.newPage();
  await page.goto(issuer.url);
  const report = await page.evaluate(async (sent): Promise<CatalogueReport> => {
    const { serviceWorker } = navigator as unknown as ServiceWorkers;
    await serviceWorker.register('/worker.mjs', { type: 'module' });
    const { active } = await serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data as CatalogueReport);
      active.postMessage(sent, [port2]);
    });
  }, cases as unknown[]);
  expect(report.failed).toEqual([]);
  expect([report.passed, report.verifiedByWebCrypto > cases.length / 3]).toEqual([cases.length, true]);

  const nowSeconds = Math.floor(Date.now() / 1000);
  const token = issuer.token({ iat: nowSeconds, exp: nowSeconds + 600 });
  const ask = (authorization: string) =>
    page.evaluate(
      async (header) => (await fetch('/invoices', { headers: { authorization: header } })).status,
      authorization,
    );
  expect(await ask(`Bearer ${token}`)).toBe(200);
  expect(await ask('Bearer x')).toBe(401);
  await expect.poll(() => feed.waiting()).toBe(1);
  feed.publish({ type: 'token', jti: 'a7f1', exp: nowSeconds + 600 });
  await expect.poll(() => ask(`Bearer ${token}`)).toBe(401);
});

/** As much of `navigator` as the page uses. */
interface ServiceWorkers {
  readonly serviceWorker: {
    register(url: string, options: object): Promise<unknown>;
    readonly ready: Promise<{ readonly active: { postMessage(message: unknown, ports: unknown[]): void } }>;
  };
}
