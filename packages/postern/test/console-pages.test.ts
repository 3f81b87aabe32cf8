/** Every page of the web console: for everybody, at every width, in both themes, and with no more than the token allows. */
import { mkdirSync } from 'node:fs';
import Fastify from 'fastify';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { webConsole } from '../src/serve/console.ts';
import { launchBrowser, type TestBrowser } from './browser.ts';
import { expectAccessible, goTo, signIn, visitConsole, widthBeyond } from './console-harness.ts';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let server: ServeProcess;
let chromium: TestBrowser;
let root: RootCredentials;
/** A client with something to see on each of its pages. */
let clientId: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  [server, chromium] = await Promise.all([startServe(directory), launchBrowser()]);
  root = rootCredentials(server.dataDir);
  clientId = await furnish();
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
  removeDirectory(directory);
});

/** Something of everything. The id of the client that has most. */
async function furnish(): Promise<string> {
  const client = await makeClient({
    // As another server has it, with characters that mean something in an address.
    client_id: 'urn:example:reports/a@b',
    name: 'a'.repeat(200),
    description: 'long',
    scopes: ['policy:read', 'rule:read'],
  });
  await acquireToken(server.url, client);
  await send('POST', `oauth/client/${encodeURIComponent(client.clientId)}/secret`, { overlap_seconds: 3_600 });
  await send('PUT', 'oauth/scope', [{ name: 'invoice:read', description: 'List and read invoices' }]);
  await send('PUT', 'oauth/resource', {
    key: 'billing',
    identifier: `https://${'billing.'.repeat(20)}example.com`,
    scopes: ['invoice:read'],
  });
  await send('PUT', 'oauth/issuer', {
    key: 'github',
    issuer: 'https://token.actions.githubusercontent.com',
    rules: [
      { client_id: client.clientId, claims: { repository: 'acme/billing', ref: ['refs/heads/*', 'refs/tags/*'] } },
    ],
  });
  await send('POST', 'oauth/key/rotate', {});
  await send('PUT', 'storage/config', [
    { key: 'results', name: 'Results', type: 's3', details: { bucket: 'results' } },
  ]);
  await send('PUT', 'policy', [{ key: 'emails', name: 'E-mail addresses' }]);
  await send('PUT', 'policy/emails/rule', [
    { key: 'mask', name: 'Mask them', action_type: 'erasure', masking_strategy: { strategy: 'null_rewrite' } },
    { key: 'give', name: 'Give them', action_type: 'access', storage_destination_key: 'results' },
  ]);
  await send('PUT', 'policy/emails/rule/mask/target', [{ data_category: 'user.contact.email' }]);
  return client.clientId;
}

async function send(method: string, path: string, body: unknown) {
  const authorization = `Bearer ${await acquireToken(server.url, root)}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const answer = await call(method, `${server.url}/api/v1/${path}`, headers, JSON.stringify(body));
  expect([path, answer.status, answer.body.failed ?? []]).toEqual([path, 200, []]);
  return answer.body;
}

async function makeClient(body: object): Promise<RootCredentials> {
  const { client_id, client_secret } = await send('POST', 'oauth/client', body);
  return { clientId: client_id, clientSecret: client_secret };
}

const pages = [
  '/',
  '/?hours=2160',
  '/clients',
  '/clients?search=nobody',
  '/create/clients',
  '/clients/ID',
  '/clients/ID/scopes',
  '/clients/ID/secrets',
  '/clients/ID/authentication',
  '/clients/ID/settings',
  '/clients/ID/activity',
  '/scopes',
  '/roles',
  '/people',
  '/resources',
  '/issuers',
  '/create/issuers',
  '/issuers/github',
  '/initial-access-tokens',
  '/client-documents',
  '/details-types',
  '/client-policies',
  '/keys',
  '/streams',
  '/failures',
  '/failures?reason=secret_wrong',
  '/audit',
  '/audit?kind=token.',
  '/inspector',
  '/token-trees',
  '/policies',
  '/policies/emails',
  '/storage',
  '/nowhere',
];

/** Presses each head that sorts a table of the page, and returns how many there are. */
async function sortByEach(page: Page): Promise<number> {
  const heads = await page.locator('th:has(.sort-button):visible').all();
  for (const head of heads) {
    await head.getByRole('button').click();
    await expect.poll(() => head.getAttribute('aria-sort')).toMatch(/ascending|descending/);
  }
  return heads.length;
}

describe.each([
  { width: 1440, height: 900, colorScheme: 'light' },
  { width: 320, height: 740, colorScheme: 'dark' },
] as const)('$width pixels wide, $colorScheme', ({ width, height, colorScheme }) => {
  test('every page fits, is accessible, and makes no complaint', { timeout: 180_000 }, async () => {
    const options = { viewport: { width, height }, colorScheme };
    const { page, complaints, refusals, close } = await visitConsole(chromium.browser, server.url, '/', options);
    expect(await widthBeyond(page)).toBe(0);
    await expectAccessible(page);
    await signIn(page, root);
    const sorted: string[] = [];
    for (const path of pages) {
      await goTo(page, path.replace('ID', encodeURIComponent(clientId)));
      if ((await sortByEach(page)) > 0) {
        sorted.push(path);
      }
      expect([path, await widthBeyond(page)]).toEqual([path, 0]);
      await expectAccessible(page);
      expect([path, complaints, refusals]).toEqual([path, [], []]);
    }
    expect(sorted).toEqual(
      expect.arrayContaining([
        '/clients',
        '/clients/ID',
        '/scopes',
        '/roles',
        '/resources',
        '/issuers',
        '/keys',
        '/storage',
      ]),
    );
    await close();
  });

  test('so does every dialog', { timeout: 120_000 }, async () => {
    const options = { viewport: { width, height }, colorScheme };
    const { page, complaints, close } = await visitConsole(chromium.browser, server.url, '/', options);
    await signIn(page, root);
    for (const [path, button] of [
      ['/scopes', 'New scope'],
      ['/scopes', 'Delete invoice:read'],
      ['/resources', 'Edit billing'],
      ['/keys', 'Rotate now'],
      ['/policies', 'New policy'],
      ['/policies/emails', 'Edit Mask them'],
      ['/policies/emails', 'Add target to Mask them'],
      ['/storage', 'Edit Results'],
    ] as const) {
      await goTo(page, path);
      await page.getByRole('button', { name: button }).click();
      await page.locator('[role=dialog], [role=alertdialog]').waitFor();
      expect([button, await widthBeyond(page)]).toEqual([button, 0]);
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.locator('[role=dialog], [role=alertdialog]').waitFor({ state: 'detached' });
      expect(complaints).toEqual([]);
    }
    await close();
  });
});

test('signing in and creating a client work without a mouse', async () => {
  const { page, close } = await visitConsole(chromium.browser, server.url, '/create/clients');
  const tabTo = async (name: string) => {
    for (let presses = 0; presses < 200; presses += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate<string>(
        `[document.activeElement.labels?.[0]?.innerText, document.activeElement.getAttribute('aria-label'),
          document.activeElement.innerText].find((text) => text)?.trim() ?? ''`,
      );
      if (focused.startsWith(name)) {
        return;
      }
    }
    throw new Error(`Tab never comes to ${name}`);
  };
  await tabTo('Client ID');
  await page.keyboard.type(root.clientId);
  await tabTo('Client secret');
  await page.keyboard.type(root.clientSecret);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'New client' }).waitFor();

  await tabTo('Skip to content');
  await page.keyboard.press('Enter');
  await tabTo('Name');
  await page.keyboard.type('by-keyboard');
  await tabTo('Search scopes');
  await page.keyboard.type('invoice');
  await tabTo('invoice:read');
  await page.keyboard.press('Space');
  await tabTo('Create client');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Client created' }).waitFor();
  // Where one is now is where the keyboard is.
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Client created');
  await close();
});

test('on a narrow screen the menu opens, and closes after navigation', async () => {
  const options = { viewport: { width: 360, height: 740 } };
  const { page, close } = await visitConsole(chromium.browser, server.url, '/', options);
  await signIn(page, root);
  const menu = page.getByRole('button', { name: 'Menu' });
  expect(await page.getByRole('link', { name: 'Signing keys' }).isVisible()).toBe(false);
  await menu.click();
  expect(await menu.getAttribute('aria-expanded')).toBe('true');
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Signing keys' }).click();
  await page.getByRole('heading', { level: 1, name: 'Signing keys' }).waitFor();
  expect(await menu.getAttribute('aria-expanded')).toBe('false');
  await close();
});

test('what the token does not allow is hidden, or the missing scope is named', async () => {
  const reader = await makeClient({ name: 'reader', scopes: ['client:read'] });
  const { page, complaints, refusals, close } = await visitConsole(chromium.browser, server.url);
  await signIn(page, reader);
  const links = await page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link').allInnerTexts();
  expect(links).toEqual(['Overview', 'Clients', 'Token inspector']);

  await goTo(page, '/clients');
  await page.getByRole('link', { name: 'reader' }).waitFor();
  expect(await page.getByRole('link', { name: 'New client' }).count()).toBe(0);
  await goTo(page, `/clients/${encodeURIComponent(clientId)}/settings`);
  expect(await page.getByRole('button', { name: /Delete|Revoke|Disable|Save/ }).count()).toBe(0);
  for (const [path, scope] of [
    ['/', 'audit:read'],
    ['/keys', 'key:read'],
    ['/create/clients', 'client:create'],
    [`/clients/${encodeURIComponent(clientId)}/activity`, 'audit:read'],
  ] as const) {
    await goTo(page, path);
    await page.getByText(`you need the scope ${scope}`).waitFor();
  }
  expect([complaints, refusals]).toEqual([[], []]);
  await close();
});

test('a person can sign in with a token, until it is revoked', async () => {
  const client = await makeClient({ name: 'by-token', scopes: ['scope:read'] });
  const token = await acquireToken(server.url, client);
  const { page, close } = await visitConsole(chromium.browser, server.url, '/scopes');
  await page.getByRole('tab', { name: 'Access token' }).click();
  await page.getByRole('textbox', { name: 'Access token' }).fill('no token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This is not an access token').waitFor();
  await page.getByRole('textbox', { name: 'Access token' }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('cell', { name: 'invoice:read', exact: true }).waitFor();

  const authorization = `Bearer ${await acquireToken(server.url, root)}`;
  await call('DELETE', `${server.url}/api/v1/oauth/client/${client.clientId}`, { authorization });
  await goTo(page, '/create/clients');
  await goTo(page, '/scopes');
  await page.getByText('Your token has expired or was revoked').waitFor();
  await close();
});

test('a wrong secret shows an error, and the address is kept', async () => {
  const { page, close } = await visitConsole(chromium.browser, server.url, '/keys');
  await page.getByLabel('Client ID').fill(root.clientId);
  await page.getByLabel('Client secret').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('Client authentication failed').waitFor();
  await signIn(page, root);
  await page.getByRole('heading', { level: 1, name: 'Signing keys' }).waitFor();
  await close();
});

test('the theme follows the system until the person chooses one', async () => {
  const { page, close } = await visitConsole(chromium.browser, server.url, '/', { colorScheme: 'dark' });
  await signIn(page, root);
  const background = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  const dark = await background();
  await page.getByRole('button', { name: 'Light theme' }).click();
  expect(await background()).not.toBe(dark);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByRole('button', { name: 'Dark theme' }).click();
  expect(await background()).toBe(dark);
  await close();
});

test('it calls only its own server', async () => {
  const { page, close } = await visitConsole(chromium.browser, server.url);
  const origins = new Set<string>();
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.reload();
  await signIn(page, root);
  await goTo(page, '/clients');
  expect([...origins]).toEqual([server.url]);
  await close();
});

describe('the files', () => {
  test.each(['/console', '/console/', '/console/clients/any/secrets'])('%s is the page, strictly', async (path) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<div id="root">');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|data:|\*/);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });

  test('scripts and styles come compressed and may be cached forever; unknown ones are not found', async () => {
    const page = await (await fetch(`${server.url}/console/`)).text();
    const names = [...page.matchAll(/\.\/assets\/[^"]+/g)].map(([name]) => name);
    expect(names).toHaveLength(3);
    for (const name of names) {
      const { status, headers } = await fetch(new URL(name, `${server.url}/console/`));
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(headers.get('content-encoding')).toBe(name.endsWith('.svg') ? null : 'gzip');
    }
    expect((await fetch(`${server.url}/console/assets/gone.js`)).status).toBe(404);
  });

  test('below a path of the issuer the page says where it stands', async () => {
    const app = Fastify();
    await app.register(webConsole, { issuer: 'https://example.com/auth' });
    expect((await app.inject('/console/clients')).body).toContain('<base href="/auth/console/"');
    await app.close();
  });

  test('without them the page says how to build them', async () => {
    const app = Fastify();
    const empty = `${directory}/empty`;
    mkdirSync(empty);
    await app.register(webConsole, { issuer: server.url, directory: empty });
    const { statusCode, body } = await app.inject('/console/clients');
    expect([statusCode, body]).toEqual([503, expect.stringContaining('npm ci &amp;&amp; npm start')]);
    await app.close();
  });
});
