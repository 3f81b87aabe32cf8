/** The web console in a real browser, for tests: signing in, going to pages, and what must hold on every one of them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { RootCredentials } from './harness.ts';

export interface ConsoleVisit {
  readonly page: Page;
  /** What the browser complained of since the visit began, but for requests that were refused, or not answered. */
  readonly complaints: readonly string[];
  /** Those: status and address. */
  readonly refusals: readonly string[];
  close(): Promise<void>;
}

/** Opens `/console` and `path` below it, not signed in, and waits until it has found that out and shows a page. */
export async function visitConsole(
  browser: Browser,
  url: string,
  path = '/',
  options: BrowserContextOptions = {},
): Promise<ConsoleVisit> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    const isRefusal = message.text().startsWith('Failed to load resource:');
    if (['error', 'warning'].includes(message.type()) && !isRefusal) {
      complaints.push(message.text());
    }
  });
  const refusals: string[] = [];
  page.on('response', (response) => {
    if (response.status() >= 400) {
      refusals.push(`${response.status()} ${response.url()}`);
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${url}/console${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  return { page, complaints, refusals, close: () => context.close() };
}

export async function signIn(page: Page, { clientId, clientSecret }: RootCredentials): Promise<void> {
  await page.getByLabel('Client ID').fill(clientId);
  await page.getByLabel('Client secret').fill(clientSecret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  // On a narrow screen it is behind a button.
  await page.locator('.navigation').waitFor({ state: 'attached' });
}

/** Goes to `path` as a link within the console does, and waits until nothing loads any more. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${path}`)})`);
  await settled(page);
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await expect.poll(() => page.locator('.skeleton, .stale').count(), { timeout: 15_000 }).toBe(0);
}

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Whatever axe finds on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe);
  const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
  expect(
    violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
    })),
  ).toEqual([]);
}

/** Pixels by which the page is wider than the window, so that one would have to scroll sideways. */
export function widthBeyond(page: Page): Promise<number> {
  return page.evaluate<number>(
    'Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)',
  );
}
