/** Takes the pictures of the console that README.md and docs/console.md show, from a real server: `npm run pictures`. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser } from './browser.ts';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  startServe,
} from './harness.ts';

const pictures = join(import.meta.dirname, '../../../docs/pictures');
const mostBytes = 100_000;
const api = 'https://invoices.example.com';

const directory = makeTemporaryDirectory();
const server = await startServe(directory);
const chromium = await launchBrowser();
try {
  const root = rootCredentials(server.dataDir);
  const token = await fill(root);
  const page = await chromium.browser.newPage({ viewport: { width: 1200, height: 640 }, reducedMotion: 'reduce' });
  await page.goto(`${server.url}/console/`);
  await page.getByLabel('Client ID').fill(root.clientId);
  await page.getByLabel('Client secret').fill(root.clientSecret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.navigation').waitFor();

  mkdirSync(pictures, { recursive: true });
  const take = async (name: string) => {
    await page.locator('.skeleton, .stale').first().waitFor({ state: 'detached' });
    const path = join(pictures, `${name}.png`);
    await page.screenshot({ path });
    const { size } = statSync(path);
    if (size > mostBytes) {
      throw new Error(`${path} has ${size} bytes, and may have ${mostBytes}`);
    }
  };
  const goTo = async (path: string, heading: string) => {
    await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${path}`)})`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  };
  await goTo('/clients', 'Clients');
  await take('clients');
  await goTo('/', 'Overview');
  await take('overview');
  await page.setViewportSize({ width: 1000, height: 560 });
  await goTo('/inspector', 'Token inspector');
  await page.getByLabel('Access token').fill(token);
  await page.getByLabel('Scope that the call needs').fill('invoice:pay');
  await page.getByRole('button', { name: 'Inspect' }).click();
  await page.getByRole('heading', { name: 'Checks' }).scrollIntoViewIfNeeded();
  await take('inspector');
} finally {
  await chromium.close();
  await server.stop();
  removeDirectory(directory);
}

/** Creates what an installation has: an API, and clients that use it, fail or were never used. Returns a token of one. */
async function fill(root: RootCredentials): Promise<string> {
  const authorization = `Bearer ${await acquireToken(server.url, root)}`;
  const send = async (method: string, path: string, body: object) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await call(method, `${server.url}/api/v1/oauth/${path}`, headers, JSON.stringify(body));
    if (answer.status >= 400) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };
  await send('PUT', 'scope', { name: 'invoice:read', description: 'Read invoices' });
  await send('PUT', 'scope', { name: 'invoice:pay', description: 'Pay invoices' });
  await send('PUT', 'resource', {
    key: 'invoices',
    identifier: api,
    scopes: ['invoice:read', 'invoice:pay'],
    access_token_ttl_seconds: 900,
  });
  const create = async (name: string, more: object = {}): Promise<RootCredentials> => {
    const body = { name, scopes: ['invoice:read'], resources: [api], default_resource: api, ...more };
    const { client_id: clientId, client_secret: clientSecret } = await send('POST', 'client', body);
    return { clientId, clientSecret };
  };
  const reports = await create('reports');
  const cashier = await create('cashier', { scopes: ['invoice:read', 'invoice:pay'] });
  await create('archive');
  await create('partner', { enabled: false });
  await create('deploy', {
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
  });
  for (const client of [reports, reports, reports, cashier, cashier]) {
    await acquireToken(server.url, client);
  }
  await acquireToken(server.url, { ...cashier, clientSecret: 'mistyped' }).catch(() => {});
  return acquireToken(server.url, reports);
}
