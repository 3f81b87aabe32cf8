/** The life of a client: in the web console with a real browser, and in the programs that the console shows. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from './browser.ts';
import { type ConsoleVisit, expectAccessible, goTo, signIn, visitConsole } from './console-harness.ts';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';

let directory: string;
let server: ServeProcess;
let chromium: TestBrowser;
let visit: ConsoleVisit;
let page: Page;
/** Passed from one step to the next. */
let clientId: string;
let clientSecret: string;
let token: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  [server, chromium] = await Promise.all([startServe(directory), launchBrowser()]);
  visit = await visitConsole(chromium.browser, server.url, '/create/clients', {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  page = visit.page;
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
  removeDirectory(directory);
});
afterEach(() => {
  expect(visit.complaints).toEqual([]);
});

const run = promisify(execFile);
const callPolicies = () => call('GET', `${server.url}/api/v1/policy`, { authorization: `Bearer ${token}` });
const code = (name: string) => page.getByRole('region', { name }).textContent();

/** What the inspector says of `token`, for a call that needs `scope`. */
async function inspect(scope: string): Promise<string> {
  await goTo(page, '/inspector');
  await page.getByLabel('Access token').fill(token);
  await page.getByLabel('Scope that the call needs').fill(scope);
  await page.getByRole('button', { name: 'Inspect' }).click();
  await page.getByRole('heading', { name: 'Checks' }).waitFor();
  return page
    .getByRole('status')
    .filter({ hasText: /Accepted|Refused|No check failed/ })
    .innerText();
}

test('signing in leads to the page that was asked for', async () => {
  await expectAccessible(page);
  await signIn(page, rootCredentials(server.dataDir));
  await page.getByRole('heading', { name: 'New client' }).waitFor();
});

test('a client is created with scopes that are found by search', async () => {
  await page.getByLabel('Name').fill('walker');
  for (const scope of ['policy:read', 'rule:read']) {
    await page.getByLabel('Search scopes').fill(scope);
    await page.getByRole('checkbox', { name: scope, exact: true }).check();
  }
  await page.getByRole('button', { name: 'Create client' }).click();
  await page.getByRole('heading', { name: 'Client created' }).waitFor();
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Copy Client secret' }).click();
  await page.getByText('Copied').waitFor();
  clientSecret = await page.evaluate<string>('navigator.clipboard.readText()');
  expect(clientSecret).toMatch(/^postern[A-Za-z0-9]{40,}$/);
});

test('the programs that it shows for the shell and for Node get a token', async () => {
  const credentials = await code('credentials for a shell');
  const curl = await code('curl program');
  const { stdout } = await run('bash', ['-c', `${credentials}\n${curl}`]);
  token = JSON.parse(stdout).access_token;
  expect((await callPolicies()).status).toBe(200);

  await page.getByRole('tab', { name: 'Node' }).click();
  writeFileSync(join(directory, 'token.mjs'), (await code('Node program')) ?? '');
  const node = await run('bash', ['-c', `${credentials}\n"${process.execPath}" "${join(directory, 'token.mjs')}"`]);
  expect(node.stdout.trim().split('.')).toHaveLength(3);

  for (const [tab, words] of [
    ['Python', 'urllib.request'],
    ['Go', 'clientcredentials.Config'],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click();
    expect(await code(`${tab} program`)).toContain(words);
  }
});

test('the inspector says whether the token is enough for a call', async () => {
  expect(await inspect('policy:read')).toContain('Accepted for a call that needs policy:read');
  await expectAccessible(page);
  expect(await inspect('policy:delete')).toMatch(
    /Refused for a call that needs policy:delete\s+It lacks the scope policy:delete/,
  );
});

test('removing a scope shows what will stop working, and after saving it stops working', async () => {
  await goTo(page, '/clients');
  await page.getByRole('link', { name: 'walker' }).click();
  await page.getByRole('cell', { name: 'rule:read' }).waitFor();
  clientId = new URL(page.url()).pathname.split('/').at(-1) as string;
  await page.getByRole('link', { name: 'Change scopes' }).click();
  await page.getByRole('button', { name: 'Remove rule:read' }).click();
  const changes = page.getByRole('complementary', { name: 'What changes' });
  expect(await changes.innerText()).toMatch(/Will stop working\s+Calls that need rule:read\. 2 tokens had it/);
  await expectAccessible(page);

  expect((await callPolicies()).status).toBe(200);
  await page.getByRole('button', { name: 'Save scopes' }).click();
  await page.getByText('Scopes changed').waitFor();
  expect(await page.getByRole('cell', { name: 'rule:read' }).count()).toBe(0);
  expect((await callPolicies()).status).toBe(401);
  expect(await inspect('policy:read')).toMatch(
    /Refused for a call that needs policy:read\s+It has the scope rule:read, which its client \w+ no longer has/,
  );
});

test('a secret is rotated with overlap, and the page shows that the old one is in use', async () => {
  await goTo(page, `/clients/${clientId}/secrets`);
  await page.getByRole('button', { name: 'Rotate secret' }).click();
  // A token lasts 8 days by default, and its caller does not need the secret before.
  const overlap = page.getByLabel('The old secret stays valid');
  expect(await overlap.inputValue()).toBe(String(30 * 86_400));
  await overlap.selectOption('for 7 more days');
  await page.getByText('Shorter than the lifetime of a token').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Rotate', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'New secret' });
  await dialog.getByText('Copy the secret now').waitFor();
  await expectAccessible(page);
  // A secret that is shown only once is not closed by accident.
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'Copy Client secret' }).click();
  const newSecret = await page.evaluate<string>('navigator.clipboard.readText()');
  await dialog.getByRole('button', { name: 'I have stored it' }).click();

  expect(newSecret).not.toBe(clientSecret);
  await acquireToken(server.url, { clientId, clientSecret: newSecret });
  await goTo(page, `/clients/${clientId}`);
  await goTo(page, `/clients/${clientId}/secrets`);
  await page.getByText('It is not known yet whether the old secret is still used').waitFor();
  token = await acquireToken(server.url, { clientId, clientSecret });
  // The open page reads it by itself, and says until when uses are known.
  await page.getByText('An old secret is still used').waitFor();
  await page.getByText(/This includes all uses until /).waitFor();
  expect(await page.getByText('It can be deleted').count()).toBe(0);
});

test('revoking all tokens shows the consequences, and revokes them', async () => {
  expect((await callPolicies()).status).toBe(200);
  await goTo(page, `/clients/${clientId}/settings`);
  await page.getByRole('button', { name: 'Revoke all tokens' }).click();
  const dialog = page.getByRole('alertdialog');
  expect(await dialog.innerText()).toContain('All tokens are revoked');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Revoke all tokens' }).click();
  await page.getByText('All tokens revoked').waitFor();
  expect((await callPolicies()).status).toBe(401);
  expect(await inspect('policy:read')).toMatch(
    /Refused for a call that needs policy:read\s+It was issued before all tokens of its client \w+ were revoked/,
  );
});

test('the audit page shows all of it, and follows new events', async () => {
  await goTo(page, `/audit?subject=${clientId}`);
  await page.getByRole('cell', { name: 'Client created' }).waitFor();
  for (const what of ['Client updated', 'Secret created', 'All tokens of a client revoked']) {
    expect(await page.getByRole('cell', { name: what }).count()).toBeGreaterThan(0);
  }
  const updated = page.getByRole('row', { name: /Client updated/ }).first();
  await updated.locator('summary').click();
  await updated
    .getByText(/^Before: /)
    .first()
    .waitFor();
  await updated
    .getByText(/^After: /)
    .first()
    .waitFor();
  await expectAccessible(page);
  await page.getByLabel('To').fill('2001-01-01');
  await page.getByText('No events').waitFor();
  expect(new URL(page.url()).searchParams.get('to')).toBe('2001-01-01');
  await page.getByLabel('To').fill('');
  await page.getByRole('button', { name: 'Follow live' }).click();
  await page.getByText('Waiting for new events').waitFor();
  const authorization = `Bearer ${await acquireToken(server.url, rootCredentials(server.dataDir))}`;
  await call(
    'PATCH',
    `${server.url}/api/v1/oauth/client/${clientId}`,
    { authorization, 'content-type': 'application/json' },
    '{"description":"seen live"}',
  );
  await page.getByText('1 new event').waitFor();
  await page.getByRole('cell', { name: 'Client updated' }).first().waitFor();
  await page.getByRole('button', { name: 'Stop following' }).click();
});

test('a client is disabled and enabled again, and its old tokens remain revoked', async () => {
  token = await acquireToken(server.url, { clientId, clientSecret });
  await goTo(page, `/clients/${clientId}/settings`);
  await page.getByRole('button', { name: 'Disable client' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disable client' }).click();
  await page.getByText('Client disabled').waitFor();
  expect(await inspect('')).toMatch(/Refused\s+It is of the client \w+, which is disabled/);
  await goTo(page, `/clients/${clientId}/settings`);
  await page.getByRole('button', { name: 'Enable client' }).click();
  await page.getByText('Client enabled').waitFor();
  expect(await inspect('')).toMatch(/Refused\s+It was issued before all tokens of its client \w+ were revoked/);
});

test('deleting it asks first, and leads back to the list', async () => {
  await goTo(page, `/clients/${clientId}/settings`);
  await page.getByRole('button', { name: 'Delete client' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Delete walker?' });
  expect(await dialog.innerText()).toContain('Its ID and secrets are deleted');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Delete client' }).click();
  await dialog.getByRole('button', { name: 'Delete client' }).click();
  await page.getByText('No clients yet').waitFor();
  expect(await inspect('')).toMatch(/Refused\s+It is of the client \w+, which was deleted/);
});
