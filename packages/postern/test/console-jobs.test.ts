/** The jobs of the table in docs/console.md in a real browser: each is done here, or by a test of the console that is named here. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from './browser.ts';
import { type ConsoleVisit, goTo, signIn, visitConsole } from './console-harness.ts';
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
import { readJobs } from './job-table.ts';

let directory: string;
let server: ServeProcess;
let chromium: TestBrowser;
let visit: ConsoleVisit;
let page: Page;
let root: RootCredentials;
let authorization: string;
/** The client of the jobs that need one. */
let id: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  const env = { POSTERN_REGISTRATION: 'initial_access_token' };
  [server, chromium] = await Promise.all([startServe(directory, { env }), launchBrowser()]);
  root = rootCredentials(server.dataDir);
  authorization = `Bearer ${await acquireToken(server.url, root)}`;
  const { body } = await send('POST', 'client', { name: 'worker', scopes: ['policy:read', 'client:create'] });
  id = body.client_id;
  await send('POST', `client/${id}/secret`, { overlap_seconds: 86_400 });
  visit = await visitConsole(chromium.browser, server.url);
  page = visit.page;
  await signIn(page, root);
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
  removeDirectory(directory);
});
afterEach(() => {
  expect(visit.complaints).toEqual([]);
});

const send = (method: string, path: string, body?: object) => {
  const headers = { authorization, 'content-type': 'application/json' };
  return call(method, `${server.url}/api/v1/oauth/${path}`, headers, body && JSON.stringify(body));
};
const read = async (path: string) => (await call('GET', `${server.url}/api/v1/oauth/${path}`, { authorization })).body;
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const confirm = (name: string) => page.getByRole('alertdialog').getByRole('button', { name, exact: true }).click();
const field = (label: string) => page.getByLabel(new RegExp(`^${RegExp.escape(label)}( \\*)?$`));
const said = (text: string) => page.getByRole('status').getByText(text).first().waitFor();

/** Saves the settings of authentication, and returns the client. */
async function saveAuthentication(fill: () => Promise<unknown>) {
  await goTo(page, `/clients/${id}/authentication`);
  await fill();
  const saved = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await press('Save authentication');
  expect((await saved).status()).toBe(200);
  return read(`client/${id}`);
}

const here: Readonly<Record<string, () => Promise<void>>> = {
  async 'Create a client with an ID of your choice'() {
    await goTo(page, '/create/clients');
    await field('Name').fill('chosen');
    await field('ID').fill('billing-eu');
    await press('Create client');
    await page.getByRole('heading', { name: 'Client created' }).waitFor();
    expect((await read('client/billing-eu')).name).toBe('chosen');
    await page
      .getByRole('button', { name: /stored/ })
      .first()
      .click();
  },
  async 'Say which scopes it may assign'() {
    const client = await saveAuthentication(() =>
      field('Scopes that it may assign to other clients').fill('policy:read'),
    );
    expect(client.grantable_scopes).toEqual(['policy:read']);
  },
  async 'Let another client act for it'() {
    const client = await saveAuthentication(() => field('Client that may act for it').fill('billing-eu'));
    expect(client.may_act).toBe('billing-eu');
  },
  async 'Delete one of its secrets'() {
    await goTo(page, `/clients/${id}/secrets`);
    await page
      .getByRole('button', { name: /^Delete the secret that ends in/ })
      .first()
      .click();
    await confirm('Delete secret');
    await said('Secret deleted');
    expect((await read(`client/${id}/secret`)).items).toHaveLength(1);
  },
  async 'Replace its public keys, or name their URL'() {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] };
    const client = await saveAuthentication(async () => {
      await field('Authenticates by').selectOption('private_key_jwt');
      await field('Public keys').fill(JSON.stringify(keys));
    });
    expect(client.jwks.keys).toMatchObject([{ kid: 'k' }]);
  },
  async 'Let it authenticate by a certificate'() {
    const client = await saveAuthentication(async () => {
      await field('Authenticates by').selectOption('tls_client_auth');
      await page.getByLabel(/^Subject.* in its certificate$/).fill('CN=worker');
    });
    expect(client).toMatchObject({
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=worker',
    });
  },
  async 'Require a security profile of it'() {
    const client = await saveAuthentication(() =>
      page.getByLabel('It must meet the FAPI 2.0 Security Profile').check(),
    );
    expect(client.security_profile).toBe('fapi2');
  },
  async 'End a token with all that was exchanged for it'() {
    const isRefused = async (token: string) => {
      const { status } = await call('GET', `${server.url}/api/v1/oauth/key`, { authorization: `Bearer ${token}` });
      return status === 401;
    };
    const token = await acquireToken(server.url, root);
    await goTo(page, '/token-trees');
    await field('Token, its jti, or a client ID').fill(token);
    await press('Show what would be revoked');
    await page.getByText('0 tokens were exchanged for it.').waitFor();
    expect(await isRefused(token)).toBe(false);
    await press('Revoke all of it');
    await confirm('Revoke all of it');
    await said('Revoked');
    expect(await isRefused(token)).toBe(true);
    await page.getByText('It was revoked, or all tokens of its client were.').waitFor();

    // The inspector ends one that it has explained.
    const other = await acquireToken(server.url, root);
    await goTo(page, '/inspector');
    await field('Access token').fill(other);
    await press('Inspect');
    await page.getByRole('heading', { name: 'Checks' }).waitFor();
    await press('Revoke this token');
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: /^Revoke/ })
      .click();
    await said('Token revoked');
    expect(await isRefused(other)).toBe(true);
  },
  async 'Let clients register themselves'() {
    await goTo(page, '/initial-access-tokens');
    await press('New initial access token');
    await field('Name').fill('partners');
    await press('Create token');
    const dialog = page.getByRole('dialog', { name: 'Initial access token created' });
    await dialog.getByText('It is shown only once').waitFor();
    await dialog.getByRole('button').last().click();
    expect((await read('initial-access-token')).items).toMatchObject([{ name: 'partners' }]);
  },
  async 'Define a type of authorization details'() {
    await goTo(page, '/details-types');
    await press('New type');
    await field('Type').fill('payment');
    await field('JSON Schema of one element').fill('{"type":"object"}');
    await page.getByRole('dialog').getByRole('button', { name: /^Save/ }).click();
    await said('Type payment saved');
    expect(await read('authorization-details-type/payment')).toMatchObject({ type: 'payment' });
  },
  async 'Require something of all clients'() {
    await goTo(page, '/client-policies');
    await press('New client policy');
    await field('Name').fill('all');
    await field('Longest lifetime of tokens, in seconds').fill('864000');
    await field('Signing algorithms').fill('ES256\nPS256');
    await press('Save client policy');
    await said('Client policy all saved');
    expect(await read('client-policy/all')).toMatchObject({
      scope: null,
      max_access_token_ttl_seconds: 864_000,
      signing_algs: ['ES256', 'PS256'],
      min_rsa_bits: null,
    });
    // What is not touched stays, and what is emptied is required no more.
    await press('Edit all');
    await field('Signing algorithms').fill('');
    await press('Save client policy');
    await expect.poll(async () => (await read('client-policy/all')).signing_algs).toBe(null);
    await page.getByRole('cell', { name: 'longest lifetime of tokens, in seconds: 864000' }).waitFor();
  },
  async 'Keep a checkpoint of the audit trail'() {
    await goTo(page, '/audit');
    const download = page.waitForEvent('download');
    await press('Verify, and save a checkpoint');
    const path = await (await download).path();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('signature');
  },
  async 'Revoke all tokens of all clients'() {
    await goTo(page, '/keys');
    await press('Revoke all tokens');
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: /^Revoke all/ })
      .click();
    await page.getByText('All tokens revoked').first().waitFor();
    const { status } = await call('GET', `${server.url}/api/v1/oauth/key`, { authorization });
    expect(status).toBe(401);
  },
};

/** The tests of the console that do the other jobs: file and name. */
const walk = (name: string) => ['console-walk', name] as const;
const forms = (name: string) => ['console-forms', name] as const;
const elsewhere: Readonly<Record<string, readonly [file: string, name: string]>> = {
  'Create a client for an API': forms(
    'a client that is created for one resource has it as its default, which its settings change',
  ),
  'Find a client': forms(
    'the list of clients is searched, sorted and paged, and its address has search, order and page',
  ),
  'See what a client may do and uses': walk(
    'removing a scope shows what will stop working, and after saving it stops working',
  ),
  'Change its scopes': walk('removing a scope shows what will stop working, and after saving it stops working'),
  'Rotate its secret': walk('a secret is rotated with overlap, and the page shows that the old one is in use'),
  'Disable it': walk('a client is disabled and enabled again, and its old tokens remain revoked'),
  'Revoke all of its tokens': walk('revoking all tokens shows the consequences, and revokes them'),
  'Delete it': walk('deleting it asks first, and leads back to the list'),
  'Learn why a token is refused': walk('the inspector says whether the token is enough for a call'),
  'Add a scope': forms('a scope is created, changed and deleted'),
  'Register an API': forms('a resource is created with scopes and a lifetime, changed and deleted'),
  'Trust an issuer of workload tokens': forms(
    'a trusted issuer is created from a template, with a rule, after an error; changed, and deleted',
  ),
  'Rotate the signing key': forms('the signing key is rotated, and one revoked'),
  'Revoke a signing key that has leaked': forms('the signing key is rotated, and one revoked'),
  'See who changed what': walk('the audit page shows all of it, and follows new events'),
  'Set where exported data goes': forms('a policy is created with its rules, targets and storage, and deleted'),
  'Change a privacy policy': forms('a policy is created with its rules, targets and storage, and deleted'),
};

test('each job of the table is done by a test in a browser', () => {
  const jobs = readJobs().map(({ job }) => job);
  expect([...Object.keys(here), ...Object.keys(elsewhere)].toSorted()).toEqual(jobs.toSorted());
  for (const [file, name] of Object.values(elsewhere)) {
    expect(readFileSync(join(import.meta.dirname, `${file}.test.ts`), 'utf8')).toContain(`test('${name}'`);
  }
});

test.each([
  ['/roles', 'New role'],
  ['/initial-access-tokens', 'New initial access token'],
  ['/details-types', 'New type'],
  ['/client-policies', 'New client policy'],
])(
  'by keyboard, the dialog of %s opens with the focus in it, closes by Escape, and gives the focus back',
  async (path, button) => {
    await goTo(page, path);
    const focused = () =>
      page.evaluate<{ text: string; isVisible: boolean; inDialog: boolean }>(
        `(() => ({
        text: document.activeElement.innerText?.trim() ?? '',
        isVisible: getComputedStyle(document.activeElement).outlineStyle !== 'none' ||
          getComputedStyle(document.activeElement).boxShadow !== 'none',
        inDialog: document.activeElement.closest('[role=dialog]') !== null,
      }))()`,
      );
    for (let presses = 0; (await focused()).text !== button; presses += 1) {
      expect(presses).toBeLessThan(60);
      await page.keyboard.press('Tab');
    }
    expect(await focused()).toMatchObject({ isVisible: true });
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await expect.poll(focused).toMatchObject({ inDialog: true });
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press('Tab');
      expect(await focused()).toMatchObject({ inDialog: true, isVisible: true });
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(focused).toMatchObject({ text: button });
  },
);

test('a role is created and edited, also which scopes its people may assign', async () => {
  await goTo(page, '/roles');
  await press('New role');
  await field('Name').fill('helpdesk');
  await field('Scopes that they may assign to clients').fill('policy:read');
  await press('Save role');
  await said('Role helpdesk saved');
  expect(await read('role/helpdesk')).toMatchObject({ grantable_scopes: ['policy:read'] });
  await press('Edit helpdesk');
  await page.getByLabel('They may assign no scope at all').check();
  await press('Save role');
  await expect.poll(async () => (await read('role/helpdesk')).grantable_scopes).toEqual([]);
  await press('Edit helpdesk');
  await page.getByLabel('They may assign no scope at all').uncheck();
  await field('Scopes that they may assign to clients').fill('');
  await press('Save role');
  await expect.poll(async () => (await read('role/helpdesk')).grantable_scopes).toBe(null);
});

test.each(Object.entries(here))('%s', async (_job, perform) => perform());
