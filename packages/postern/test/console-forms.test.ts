/** The forms of the web console, filled in by a real browser, and what the API says afterwards. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { allowLocalDocuments, type Partner, startPartner } from '@postern/testing/partner';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from './browser.ts';
import { type ConsoleVisit, goTo, signIn, visitConsole } from './console-harness.ts';
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
let authorization: string;
let partner: Partner;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  partner = await startPartner();
  const certificate = join(directory, 'partner.pem');
  writeFileSync(certificate, partner.server.cert ?? '');
  const env = { ...allowLocalDocuments, POSTERN_CA_FILE: certificate };
  [server, chromium] = await Promise.all([startServe(directory, { env }), launchBrowser()]);
  const root = rootCredentials(server.dataDir);
  authorization = `Bearer ${await acquireToken(server.url, root)}`;
  visit = await visitConsole(chromium.browser, server.url);
  page = visit.page;
  await signIn(page, root);
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
  await partner.close();
  removeDirectory(directory);
});
afterEach(() => {
  expect(visit.complaints).toEqual([]);
});

/** What the API answers. */
const read = async (path: string) => (await call('GET', `${server.url}/api/v1/${path}`, { authorization })).body;
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
/** Of a field that must be filled in, an asterisk follows the label. */
const field = (label: string) => page.getByLabel(new RegExp(`^${RegExp.escape(label)}( \\*)?$`));
const fill = (label: string, text: string) => field(label).fill(text);
const said = (text: string) => page.getByRole('status').getByText(text).waitFor();

async function makeClient(body: object): Promise<string> {
  const headers = { authorization, 'content-type': 'application/json' };
  return (await call('POST', `${server.url}/api/v1/oauth/client`, headers, JSON.stringify(body))).body.client_id;
}

test('while there is no client, the overview leads from the scope over the resource to the first client', async () => {
  await goTo(page, '/');
  await page.getByRole('heading', { name: 'Get started' }).waitFor();
  for (const step of ['Create a scope', 'Register an API', 'Create the first client', 'Inspect a token']) {
    expect(await page.getByRole('link', { name: step }).isVisible()).toBe(true);
  }
});

test('a scope is created, changed and deleted', async () => {
  await goTo(page, '/scopes');
  await press('New scope');
  await fill('Name', 'not a scope');
  await fill('Description', 'List and read invoices');
  await press('Save scope');
  await page.getByRole('alert').waitFor();
  await fill('Name', 'invoice:read');
  await press('Save scope');
  await said('Scope invoice:read saved');

  await page.getByLabel('Kind').selectOption('Own');
  await press('Edit invoice:read');
  await fill('Description', 'Read invoices');
  await press('Save scope');
  await page.getByRole('cell', { name: 'Read invoices', exact: true }).waitFor();
  expect(await read('oauth/scope?view=full')).toContainEqual({
    name: 'invoice:read',
    description: 'Read invoices',
    administrative: false,
    origin: 'own',
  });
  await press('Delete invoice:read');
  await press('Delete scope');
  await page.getByText('No scopes of your own yet').waitFor();
  expect(await read('oauth/scope')).not.toContain('invoice:read');
});

test('a partner that waits for approval is approved with a scope, and another one rejected', async () => {
  const { issuer } = (await call('GET', `${server.url}/.well-known/oauth-authorization-server`)).body;
  const ask = (clientId: string) =>
    partner.ask(
      {
        url: issuer,
        now: Date.now,
        async postForm(path, form) {
          const headers = { 'content-type': 'application/x-www-form-urlencoded' };
          return call('POST', server.url + path, headers, new URLSearchParams(form).toString());
        },
      },
      clientId,
    );
  const [wanted, unwanted] = [partner.publish({ client_name: 'Wanted' }), partner.publish({ client_name: 'Unwanted' })];
  for (const clientId of [wanted, unwanted]) {
    expect((await ask(clientId)).body).toMatchObject({ error: 'unauthorized_client' });
  }
  await goTo(page, '/client-documents');
  await press(`Approve ${wanted}`);
  await page.getByLabel('Search scopes').fill('policy:read');
  await page.getByRole('checkbox', { name: 'policy:read', exact: true }).check();
  await press('Approve client');
  await said('Client approved');
  expect((await ask(wanted)).body.scope).toBe('policy:read');
  await press(`Reject ${unwanted}`);
  await press('Reject client');
  await said('Client rejected');
  const { items } = await read('oauth/client-document');
  expect(items.map(({ client_name, status }: Record<string, string>) => [client_name, status])).toEqual([
    ['Wanted', 'approved'],
    ['Unwanted', 'rejected'],
  ]);
  await call('DELETE', `${server.url}/api/v1/oauth/client/${encodeURIComponent(wanted)}`, { authorization });
});

test('Enter in a filter filters, and never submits the form around it', async () => {
  const count = async (path: string) => (await read(path)).total;
  const [clients, resources] = [await count('oauth/client'), await count('oauth/resource')];
  const filterByEnter = async () => {
    await page.getByLabel('Search scopes').fill('invoice:none');
    await page.getByLabel('Search scopes').press('Enter');
    await page.getByText('No scope has “invoice:none”').waitFor();
  };
  await goTo(page, '/create/clients');
  await fill('Name', 'by accident');
  await filterByEnter();
  expect(await field('Name').inputValue()).toBe('by accident');
  await goTo(page, '/resources');
  await press('New resource');
  await fill('Key', 'accident');
  await fill('Identifier', 'https://accident.example.com');
  await filterByEnter();
  await press('Cancel');
  expect([await count('oauth/client'), await count('oauth/resource')]).toEqual([clients, resources]);
});

test('a resource is created with scopes and a lifetime, changed and deleted', async () => {
  await goTo(page, '/resources');
  await press('New resource');
  await fill('Key', 'billing');
  await fill('Identifier', 'https://billing.example.com');
  await page.getByLabel('Search scopes').fill('policy:');
  await page.getByRole('checkbox', { name: 'All scopes of policy' }).check();
  await fill('Token lifetime, in seconds', '900');
  await press('Save resource');
  await said('Resource billing saved');
  expect(await read('oauth/resource/billing')).toEqual({
    key: 'billing',
    identifier: 'https://billing.example.com',
    scopes: ['policy:create_or_update', 'policy:read', 'policy:delete'],
    access_token_ttl_seconds: 900,
    signing_alg: null,
    access_token_typ: 'at+jwt',
    introspection_clients: [],
  });
  await press('Edit billing');
  await press('Remove policy:delete');
  await page.getByLabel('Signing algorithm').selectOption('RS256');
  await page.getByLabel('Token type').selectOption('JWT');
  await press('Save resource');
  await page.getByText('RS256').waitFor();
  expect(await read('oauth/resource/billing')).toMatchObject({
    scopes: ['policy:create_or_update', 'policy:read'],
    signing_alg: 'RS256',
    access_token_typ: 'JWT',
  });
  await press('Delete billing');
  await press('Delete resource');
  await page.getByText('No resources yet').waitFor();
});

test('a trusted issuer is created from a template, with a rule, after an error; changed, and deleted', async () => {
  const clientId = await makeClient({ name: 'deploy', scopes: ['policy:read', 'rule:read'] });
  await goTo(page, '/create/issuers');
  await page.getByLabel('Start from').selectOption('GitHub Actions');
  const picker = page.getByRole('combobox', { name: 'Client' });
  await picker.fill('nobody');
  await picker.press('Escape');
  // What only the person knows is empty, so that it cannot be saved before it is filled in.
  await press('Save issuer');
  const [owner, repository, ref] = [0, 1, 2].map((index) => page.getByLabel('Must be one of').nth(index)) as [
    Locator,
    Locator,
    Locator,
  ];
  expect(
    await owner.evaluate((input) => 'validity' in input && (input.validity as { valueMissing: boolean }).valueMissing),
  ).toBe(true);
  expect((await read('oauth/issuer')).total).toBe(0);
  await owner.fill('65');
  await repository.fill('1296269');
  await press('Save issuer');
  await page.getByRole('alert').getByText('nobody').waitFor();
  await picker.fill('deploy');
  await page.getByRole('option', { name: 'deploy' }).click();
  expect(await picker.inputValue()).toBe(clientId);
  await repository.fill('your-repository');
  await press('Save issuer');
  await page.getByRole('alert').getByText("'your-repository' is a placeholder").waitFor();
  await repository.fill('1296269');
  await ref.fill('refs/heads/main\nrefs/tags/*');
  await fill('Scopes', 'policy:read');
  await press('Save issuer');
  await said('Trusted issuer github saved');
  expect(await read('oauth/issuer/github')).toMatchObject({
    issuer: 'https://token.actions.githubusercontent.com',
    single_use: true,
    rules: [
      {
        client_id: clientId,
        claims: { repository_owner_id: '65', repository_id: '1296269', ref: ['refs/heads/main', 'refs/tags/*'] },
        scopes: ['policy:read'],
      },
    ],
  });

  // The pages that change or delete the client warn of the rule.
  await goTo(page, `/clients/${clientId}/scopes`);
  await press('Remove policy:read');
  await page.getByText('Workloads that get it by rules of github lose it').waitFor();
  await goTo(page, `/clients/${clientId}/settings`);
  await press('Delete client');
  await page.getByText('Workloads get no more tokens by the rules of the trusted issuers github').waitFor();
  await press('Cancel');

  await goTo(page, '/issuers/github');
  await press('Add claim');
  await field('Claim').last().fill('environment');
  await page.getByLabel('Must be one of').last().fill('production');
  await page.getByRole('checkbox', { name: 'For people' }).check();
  await press('Save issuer');
  await page.getByRole('heading', { level: 1, name: 'Trusted issuers' }).waitFor();
  expect((await read('oauth/issuer/github')).rules[0]).toMatchObject({
    claims: { environment: 'production' },
    people: true,
  });
  await page.getByRole('link', { name: 'github' }).click();
  await press('Delete issuer');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete issuer' }).click();
  await page.getByText('No trusted issuers yet').waitFor();
});

test('the signing key is rotated, and one revoked', async () => {
  const waiting = async () =>
    (await read('oauth/key')).items.filter(({ status }: { status: string }) => status === 'next').length;
  const before = await waiting();
  await goTo(page, '/keys');
  await press('Rotate now');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Rotate now' }).click();
  await said('The next signing key is published');
  await page.getByRole('cell', { name: 'next', exact: true }).first().waitFor();
  expect(await waiting()).toBe(before + 1);
  const next = page.getByRole('row').filter({ has: page.getByRole('cell', { name: 'next', exact: true }) });
  await next.first().getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke key' }).click();
  await said('Signing key revoked');
  expect(await waiting()).toBe(before);
});

test('a policy is created with its rules, targets and storage, and deleted', async () => {
  await goTo(page, '/storage');
  await press('New destination');
  await fill('Name', 'Results');
  await page.getByLabel('Type').selectOption('s3: a bucket');
  await fill('Bucket', 'results');
  await press('Save destination');
  await page.getByRole('button', { name: 'Edit Results' }).waitFor();

  await goTo(page, '/policies');
  await press('New policy');
  await fill('Name', 'E-mail addresses');
  await fill('Key', 'emails');
  await press('Save policy');
  await page.getByText('No rules yet').waitFor();
  await press('New rule');
  await fill('Name', 'Give them out');
  await fill('Storage destination', 'nowhere');
  await press('Save rule');
  await page.getByRole('alert').getByText('nowhere').waitFor();
  await fill('Storage destination', 'results');
  await press('Save rule');
  await page.getByText('Exports the data to the storage destination Results.').waitFor();
  await press('New rule');
  await fill('Name', 'Mask them');
  await page.getByLabel('Action').selectOption('erasure: mask the data');
  await page.getByLabel('Masking strategy').selectOption('string rewrite');
  await fill('Replacement text', 'gone');
  await press('Save rule');
  await page.getByText('Erases the data by string rewrite.').waitFor();
  await press('Add target to Mask them');
  await fill('Data category', 'user.contact.email');
  await press('Add target');
  await page.getByRole('button', { name: 'Remove the target user.contact.email' }).waitFor();
  expect((await read('policy/emails')).rules).toMatchObject([
    { action_type: 'access', storage_destination: { key: 'results' }, targets: [] },
    {
      action_type: 'erasure',
      masking_strategy: { strategy: 'string_rewrite' },
      targets: [{ data_category: 'user.contact.email' }],
    },
  ]);

  await press('Remove the target user.contact.email');
  await press('Delete');
  await page.getByRole('button', { name: 'Remove the target user.contact.email' }).waitFor({ state: 'detached' });
  await press('Delete policy');
  await press('Delete');
  await page.getByText('No policies yet').waitFor();
  await goTo(page, '/storage');
  await press('Delete Results');
  await press('Delete destination');
  await page.getByText('No storage destinations yet').waitFor();
});

test('of a client that is too young to say, nothing is called unused', async () => {
  const clientId = await makeClient({ name: 'young', scopes: ['policy:read'] });
  await goTo(page, '/scopes');
  await goTo(page, '/');
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'young' }) });
  await row.getByText('too new to tell').waitFor();
  expect(await page.getByText('No client has a scope that it does not use').count()).toBe(0);
  await goTo(page, `/clients/${clientId}`);
  await page.getByRole('cell', { name: 'not yet' }).waitFor();
  expect(await page.getByText('never used', { exact: true }).count()).toBe(0);
});

test('a client moves from a secret to its SVID, and the overview says what share of tokens came by secrets', async () => {
  const clientId = await makeClient({ name: 'worker', scopes: ['policy:read'] });
  await goTo(page, '/');
  await page.getByText('With a shared secret').waitFor();
  await goTo(page, `/clients/${clientId}/authentication`);
  await page.getByLabel('Authenticates by').selectOption('A JWT-SVID of SPIFFE (spiffe_jwt)');
  await fill('SPIFFE ID', 'spiffe://example.org/worker*');
  await fill('URL of the SPIFFE bundle', 'https://spire.example.org/bundle');
  await press('Save authentication');
  await page.getByRole('alert').getByText('must be a SPIFFE ID').waitFor();
  await fill('SPIFFE ID', 'spiffe://example.org/worker/*');
  await page.getByLabel('A JWT-SVID may be used more than once').check();
  await press('Save authentication');
  await said('Authentication and limits saved');
  await page.getByText('authenticates by workload token').waitFor();
  expect(await read(`oauth/client/${clientId}`)).toMatchObject({
    token_endpoint_auth_method: 'spiffe_jwt',
    spiffe_id: 'spiffe://example.org/worker/*',
    spiffe_bundle_endpoint: 'https://spire.example.org/bundle',
    spiffe_jwt_reuse_allowed: true,
  });
  await call('DELETE', `${server.url}/api/v1/oauth/client/${clientId}`, { authorization });
});

test('the overview leads from why requests were rejected to which client failed, from where and since when', async () => {
  const clientId = await makeClient({ name: 'stumbling', scopes: [] });
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: 'wrong' });
  expect((await fetch(`${server.url}/api/v1/oauth/token`, { method: 'POST', body })).status).toBe(401);
  await goTo(page, '/scopes');
  await goTo(page, '/');
  await page.getByRole('link', { name: 'secret wrong' }).click();
  const row = page.getByRole('row').filter({ hasText: 'stumbling' });
  await row.getByText('secret wrong').waitFor();
  expect(await row.innerText()).toMatch(/127\.0\.0\.1|::1/);
  await press('Show all failures');
  await row.getByRole('link', { name: 'stumbling' }).click();
  await page.getByRole('heading', { level: 1, name: 'stumbling' }).waitFor();
});

test('own scopes come first, and the built-in ones are collapsed until they are asked for', async () => {
  await goTo(page, '/');
  await goTo(page, '/scopes');
  await page.getByText('No scopes of your own yet').waitFor();
  expect(await page.getByRole('cell', { name: 'policy:read', exact: true }).isVisible()).toBe(false);
  await page.getByText(/^\d+ built-in scopes/).click();
  expect(await page.getByRole('cell', { name: 'policy:read', exact: true }).isVisible()).toBe(true);
  await goTo(page, '/create/clients');
  expect(await page.getByRole('checkbox', { name: 'policy:read', exact: true }).isVisible()).toBe(false);
});

test('the settings of a client are changed, and an emptied field is removed', async () => {
  const clientId = await makeClient({ name: 'settled', description: 'before', scopes: [] });
  await goTo(page, `/clients/${clientId}/settings`);
  await fill('Description', '');
  await page.getByLabel('Token lifetime').selectOption('1 hour');
  await page.getByRole('checkbox', { name: /DPoP/ }).check();
  await press('Save settings');
  await said('Settings saved');
  expect(await read(`oauth/client/${clientId}`)).toMatchObject({
    name: 'settled',
    description: null,
    access_token_ttl_seconds: 3_600,
    dpop_bound_access_tokens: true,
  });
});

test('a client that is created for one resource has it as its default, which its settings change', async () => {
  const body = (key: string) =>
    JSON.stringify({ key, identifier: `https://${key}.example.com`, scopes: ['policy:read'] });
  const headers = { authorization, 'content-type': 'application/json' };
  for (const key of ['orders', 'stock']) {
    expect((await call('PUT', `${server.url}/api/v1/oauth/resource`, headers, body(key))).status).toBe(200);
  }
  await goTo(page, '/scopes');
  await goTo(page, '/create/clients');
  await fill('Name', 'for-orders');
  await page.getByRole('checkbox', { name: 'orders' }).check();
  await press('Create client');
  await page.getByRole('heading', { name: 'Client created' }).waitFor();
  // The program that it shows gets a token for that API.
  const code = (name: string) => page.getByRole('region', { name }).textContent();
  const script = `${await code('credentials for a shell')}\n${await code('curl program')}`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script]);
  const [, payload = ''] = JSON.parse(stdout).access_token.split('.');
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).aud).toBe('https://orders.example.com');
  for (const [tab, words] of [
    ['Node', "resource: 'https://orders.example.com'"],
    ['Python', '"resource": "https://orders.example.com"'],
    ['Go', 'url.Values{"resource": {"https://orders.example.com"}}'],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click();
    expect(await code(`${tab} program`)).toContain(words);
  }
  const { client_id } = (await read('oauth/client?sort=-created_at&size=1')).items[0];
  const resources = async () => {
    const { resources: all, default_resource } = await read(`oauth/client/${client_id}`);
    return [all, default_resource];
  };
  expect(await resources()).toEqual([['https://orders.example.com'], 'https://orders.example.com']);

  await goTo(page, `/clients/${client_id}/settings`);
  await page.getByRole('checkbox', { name: 'orders' }).uncheck();
  await page.getByRole('checkbox', { name: 'stock' }).check();
  await press('Save settings');
  await page.getByRole('alert').getByText('default_resource').waitFor();
  await fill('Default resource', 'https://stock.example.com');
  await press('Save settings');
  // The notice that the test before has brought about may be shown still.
  await expect.poll(resources).toEqual([['https://stock.example.com'], 'https://stock.example.com']);
  await said('Settings saved');
  for (const key of ['orders', 'stock']) {
    await call('DELETE', `${server.url}/api/v1/oauth/resource/${key}`, { authorization });
  }
});

test('clients that authenticate with a key or a workload token are created without a secret', async () => {
  const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  await goTo(page, '/create/clients');
  await fill('Name', 'keyed');
  await page.getByLabel('Authenticates by').selectOption('A private key of the client (private_key_jwt)');
  await page.getByLabel('Public keys').fill('not JSON');
  await press('Create client');
  await page.getByText('The public keys are not JSON.').waitFor();
  await page.getByLabel('Public keys').fill(JSON.stringify({ keys: [{ kty, crv, x, y }] }));
  await press('Create client');
  await page.getByText('authenticates without a secret').waitFor();
  await page.getByRole('link', { name: 'Open client' }).click();
  await page.getByText('authenticates by private key').waitFor();

  await goTo(page, '/create/clients');
  await page.getByLabel('Authenticates by').selectOption('A workload token from a trusted issuer');
  await press('Create client');
  await page.getByText('authenticates without a secret').waitFor();
  const { items } = await read('oauth/client?sort=-created_at&size=2');
  // Its page leads on to the issuer, with the workflow that gets a token, and the form is for this client.
  await page.getByText('It gets no tokens yet').waitFor();
  expect(await page.getByRole('region', { name: 'GitHub Actions workflow' }).textContent()).toContain(
    '&audience=http%3A%2F%2Flocalhost',
  );
  await page.getByRole('link', { name: 'Trust GitHub Actions' }).click();
  await page.getByLabel('Must be one of').first().fill('65');
  await page.getByLabel('Must be one of').nth(1).fill('1296269');
  await press('Save issuer');
  await page.getByText('has a rule for it').waitFor();
  expect((await read('oauth/issuer/github')).rules[0].client_id).toBe(items[0].client_id);
  await call('DELETE', `${server.url}/api/v1/oauth/issuer/github`, { authorization });
  expect(items.map((client: Record<string, unknown>) => client['token_endpoint_auth_method'])).toEqual([
    'none',
    'private_key_jwt',
  ]);
});

test('if somebody else changed a client since it was opened, nothing that was entered is lost, and nobody is overwritten', async () => {
  const id = await makeClient({ name: 'shared', scopes: [] });
  await goTo(page, `/clients/${id}/settings`);
  await fill('Name', 'mine');
  const headers = { authorization, 'content-type': 'application/json' };
  const theirs = JSON.stringify({ name: 'theirs', description: 'Changed by somebody else' });
  await call('PATCH', `${server.url}/api/v1/oauth/client/${id}`, headers, theirs);
  await press('Save settings');
  await page.getByText('Somebody else changed this since you opened it').waitFor();
  expect(await read(`oauth/client/${id}`)).toMatchObject({ name: 'theirs' });
  expect(await field('Name').inputValue()).toBe('mine');
  await press('Show how it is now');
  await page.getByText('"description": "Changed by somebody else"').waitFor();
  await press('Save settings');
  await said('Settings saved');
  expect(await read(`oauth/client/${id}`)).toMatchObject({ name: 'mine' });
  // The answer to a change has the version for the next one.
  await fill('Name', 'mine again');
  await press('Save settings');
  await expect.poll(() => read(`oauth/client/${id}`)).toMatchObject({ name: 'mine again' });
});

test('the list of clients is searched, sorted and paged, and its address has search, order and page', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, index) => makeClient({ name: `many-${index + 10}`, scopes: [] })));
  await goTo(page, '/clients?sort=name&search=many');
  await page.getByText('30 clients, page 1 of 2').waitFor();
  expect(await page.getByRole('row').nth(1).innerText()).toContain('many-10');
  await press('Next');
  await page.getByText('page 2 of 2').waitFor();
  await expect.poll(() => page.getByRole('row').nth(1).innerText()).toContain('many-35');
  await fill('Search', 'many-2');
  await page.getByText('10 clients', { exact: true }).waitFor();
  expect(new URL(page.url()).search).toBe('?sort=name&search=many-2');
  await page.getByLabel('Status').selectOption('Disabled');
  await page.getByText('No client has “many-2”').waitFor();
  expect(new URL(page.url()).search).toContain('enabled=false');
  await page.getByLabel('Status').selectOption('Any');
  await page.getByLabel('For the resource').fill('https://nothing.example.com');
  await page.getByLabel('For the resource').press('Enter');
  await page.getByText('No client has “many-2”').waitFor();
  expect(new URL(page.url()).searchParams.get('resource')).toBe('https://nothing.example.com');
  await page.getByLabel('For the resource').fill('');
  await page.getByLabel('For the resource').press('Enter');
  await page.getByText('10 clients', { exact: true }).waitFor();
  await fill('Search', 'nobody at all');
  await page.getByText('No client has “nobody at all”').waitFor();
  await press('Show all clients');
  await page.getByRole('link', { name: 'many-39' }).waitFor();
  expect(await page.getByLabel('Search', { exact: true }).inputValue()).toBe('');
});

test('the heads of the list of clients sort it by name, last use and age, and say how it is sorted', async () => {
  const headers = { authorization, 'content-type': 'application/json' };
  const make = async (name: string) =>
    (await call('POST', `${server.url}/api/v1/oauth/client`, headers, JSON.stringify({ name }))).body;
  const used = await make('sorted b');
  await make('sorted a');
  await acquireToken(server.url, { clientId: used.client_id, clientSecret: used.client_secret });
  await read(`oauth/client/${used.client_id}/usage`);
  await goTo(page, '/clients?search=sorted');
  const sorted = async (title: string, direction: 'ascending' | 'descending', first: string) => {
    await page.getByRole('columnheader', { name: title }).getByRole('button').click();
    await expect.poll(() => page.getByRole('columnheader', { name: title }).getAttribute('aria-sort')).toBe(direction);
    await expect.poll(() => page.getByRole('row').nth(1).innerText()).toContain(first);
  };
  await sorted('Client', 'ascending', 'sorted a');
  await sorted('Client', 'descending', 'sorted b');
  expect(new URL(page.url()).searchParams.get('sort')).toBe('-name');
  await sorted('Last used', 'descending', 'sorted b');
  expect(await page.getByRole('row').nth(1).innerText()).toContain('just now');
  expect(await page.getByRole('row').nth(2).innerText()).toContain('never');
  await sorted('Last used', 'ascending', 'sorted a');
  await sorted('Created', 'descending', 'sorted a');
  await sorted('Created', 'ascending', 'sorted b');
});

test('while the server does not answer the page says so, and reads again when it is asked to', async () => {
  await page.route('**/api/v1/**', (route) => route.abort());
  await goTo(page, '/keys');
  await goTo(page, '/resources');
  await page.getByText('does not answer').first().waitFor();
  await page.unroute('**/api/v1/**');
  await press('Try again');
  await page.getByText('No resources yet').waitFor();
});
