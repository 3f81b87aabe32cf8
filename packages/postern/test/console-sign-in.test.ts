/** Signing in to the web console, in a real browser: what survives, what ends, and who may not use it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SignInProvider, startSignInProvider } from '@postern/testing/sign-in-provider';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, type TestBrowser } from './browser.ts';
import { expectAccessible, signIn, visitConsole } from './console-harness.ts';
import {
  makeTemporaryDirectory,
  type RootCredentials,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { signIn as signInCommand } from './signed-in.ts';

let directory: string;
let server: ServeProcess;
let chromium: TestBrowser;
let root: RootCredentials;
let provider: SignInProvider;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  provider = await startSignInProvider([{ claims: { groups: 'auditors' }, role: 'auditor' }]);
  provider.people['ada'] = { name: 'Ada Adams', groups: ['auditors'] };
  provider.people['eve'] = { name: 'Eve', groups: [] };
  [server, chromium] = await Promise.all([startServe(directory, { env: provider.env }), launchBrowser()]);
  root = rootCredentials(server.dataDir);
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
  provider.close();
  removeDirectory(directory);
});

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

describe('whoever signs in with a secret', () => {
  test('stays signed in after a reload and in a new tab, and page and storage have no secret', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/clients');
    await signIn(page, root);
    await heading(page, 'Clients').waitFor();
    await page.reload();
    await heading(page, 'Clients').waitFor();
    const tab = await page.context().newPage();
    await tab.goto(`${server.url}/console/keys`);
    await heading(tab, 'Signing keys').waitFor();

    expect(await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([0, 0, '']);
    expect(await page.evaluate('indexedDB.databases()')).toEqual([]);
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict', path: '/', expires: -1 }]);
    expect(page.url()).toBe(`${server.url}/console/clients`);
    const content = await page.content();
    expect([root.clientSecret, cookies[0]?.value ?? ''].filter((secret) => content.includes(secret))).toEqual([]);
    await close();
  });

  test('is signed out in every tab by signing out in one', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/clients');
    await signIn(page, root);
    const tab = await page.context().newPage();
    await tab.goto(`${server.url}/console/keys`);
    await heading(tab, 'Signing keys').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await heading(page, 'Sign in').waitFor();
    await tab.getByText('You have signed out in another tab').waitFor();
    await tab.reload();
    await heading(tab, 'Sign in').waitFor();
    expect(await page.context().cookies()).toEqual([]);

    await signIn(tab, root);
    await heading(page, 'Clients').waitFor();
    await close();
  });

  test('is signed out in every browser by signing out everywhere', async () => {
    const here = await visitConsole(chromium.browser, server.url);
    const there = await visitConsole(chromium.browser, server.url, '/keys');
    await signIn(here.page, root);
    await signIn(there.page, root);
    await heading(there.page, 'Signing keys').waitFor();
    await here.page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await heading(here.page, 'Sign in').waitFor();
    await there.page.evaluate(`history.pushState(null, '', '/console/clients')`);
    await there.page.getByText('Your session has ended').waitFor();
    await Promise.all([here.close(), there.close()]);
  });
});

test('an administrator sees who signed in, and ends the sessions of a person, which the audit trail has', async () => {
  const ada = await visitConsole(chromium.browser, server.url);
  await ada.page.getByRole('link', { name: /Sign in/ }).click();
  await ada.page.getByLabel('Who are you?').fill('ada');
  await ada.page.getByRole('button', { name: 'Go on' }).click();
  await heading(ada.page, 'Overview').waitFor();
  const { page, complaints, close } = await visitConsole(chromium.browser, server.url, '/people');
  await signIn(page, root);
  const row = page.getByRole('row', { name: /Ada Adams/ });
  await row.waitFor();
  expect(await row.innerText()).toContain('auditor');
  await expectAccessible(page);
  await row.getByRole('button', { name: 'End sessions of Ada Adams' }).click();
  await page.getByRole('alertdialog').getByText('Ada Adams is signed out').waitFor();
  await expectAccessible(page);
  await page.getByRole('alertdialog').getByRole('button', { name: 'End sessions' }).click();
  await page.getByRole('status').getByText('All sessions of Ada Adams ended').waitFor();
  expect(await row.getByRole('button').count()).toBe(0);
  await ada.page.evaluate(`history.pushState(null, '', '/console/roles')`);
  await ada.page.getByText('Your session has ended').waitFor();
  await page.evaluate(`history.pushState(null, '', '/console/audit?kind=session.ended')`);
  await page
    .getByRole('row', { name: /Session ended/ })
    .getByText('root', { exact: true })
    .first()
    .waitFor();
  expect(complaints).toEqual([]);
  await Promise.all([ada.close(), close()]);
});

test('a pasted token is in memory only: a reload drops it, and no cookie is set', async () => {
  const { page, close } = await visitConsole(chromium.browser, server.url, '/clients');
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: root.clientId,
    client_secret: root.clientSecret,
  });
  const answer = await fetch(`${server.url}/api/v1/oauth/token`, { method: 'POST', body: form });
  const { access_token } = (await answer.json()) as { access_token: string };
  await page.getByRole('tab', { name: 'Access token' }).click();
  await page.getByRole('textbox', { name: 'Access token' }).fill(access_token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await heading(page, 'Clients').waitFor();
  expect(await page.context().cookies()).toEqual([]);
  expect(await page.getByRole('button', { name: 'Sign out everywhere' }).count()).toBe(0);
  await page.reload();
  await heading(page, 'Sign in').waitFor();
  await close();
});

describe('nothing is lost', () => {
  /** Ends all sessions of root, as their expiry does. */
  const endSessions = async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url);
    await signIn(page, root);
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await heading(page, 'Sign in').waitFor();
    await close();
  };
  const signInAgain = async (page: Page) => {
    const dialog = page.getByRole('dialog', { name: 'Sign in again' });
    await dialog.waitFor();
    await expectAccessible(page);
    await dialog.getByLabel('Client ID').fill(root.clientId);
    await dialog.getByLabel('Client secret').fill(root.clientSecret);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
  };

  test('of a typed form, nor of a secret that was just rotated, when the session ends', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/create/clients');
    await signIn(page, root);
    await page.getByLabel('Name').fill('typed');
    await endSessions();
    await page.getByRole('button', { name: 'Create client' }).click();
    await signInAgain(page);
    expect(await page.getByLabel('Name').inputValue()).toBe('typed');
    await page.getByRole('button', { name: 'Create client' }).click();
    await heading(page, 'Client created').waitFor();
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await page.getByRole('link', { name: 'Secrets' }).click();
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    const secret = page.getByRole('dialog', { name: 'New secret' }).getByText(/^postern\w{40,}$/);
    const text = await secret.innerText();
    await endSessions();
    // The page below reads the uses of the secrets again by itself.
    await signInAgain(page);
    expect(await secret.innerText()).toBe(text);
    await close();
  });

  test('of a new secret without a question: by a link, back, reload, or sign-out', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/clients');
    await signIn(page, root);
    await page.getByRole('link', { name: 'New client' }).click();
    await page.getByRole('button', { name: 'Create client' }).click();
    await heading(page, 'Client created').waitFor();
    const question = page.getByRole('alertdialog', { name: 'Leave without storing the secret?' });
    const leaveBy = async (act: () => Promise<unknown>) => {
      await act();
      await question.waitFor();
      await question.getByRole('button', { name: 'Stay here' }).click();
      await page.getByText('Copy the secret now').waitFor();
    };
    await leaveBy(() => page.getByRole('link', { name: 'Signing keys' }).click());
    await leaveBy(() => page.goBack());
    await leaveBy(() => page.getByRole('button', { name: 'Sign out', exact: true }).click());
    const asked = new Promise<string>((resolve) =>
      page.once('dialog', async (dialog) => {
        resolve(dialog.type());
        await dialog.dismiss();
      }),
    );
    // A reload that is dismissed never ends.
    page.reload().catch(() => {});
    expect(await asked).toBe('beforeunload');
    await page.getByText('Copy the secret now').waitFor();

    await page.goBack();
    await question.getByRole('button', { name: 'Leave' }).click();
    await heading(page, 'Clients').waitFor();
    await page.getByRole('link', { name: 'New client' }).click();
    await page.getByRole('button', { name: 'Create client' }).click();
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await page.getByRole('link', { name: 'Signing keys' }).click();
    await heading(page, 'Signing keys').waitFor();
    await close();
  });

  test('after a secret was stored, going back leaves the page by the first step', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/clients');
    await signIn(page, root);
    await page.getByRole('link', { name: 'New client' }).click();
    await page.getByRole('button', { name: 'Create client' }).click();
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await page.getByRole('link', { name: 'Secrets' }).click();
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    const secrets = page.url();
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.goBack();
    await expect.poll(() => page.url()).not.toBe(secrets);
    expect(page.url()).toBe(secrets.replace(/\/secrets$/, ''));
    await page.goBack();
    await heading(page, 'New client').waitFor();
    await page.goBack();
    await heading(page, 'Clients').waitFor();
    await close();
  });
});

/** A browser for the command, which writes down what it is to open. Returns what waits for that. */
function spawnBrowser(home: string): () => Promise<string> {
  const opened = join(home, 'opened');
  writeFileSync(
    join(home, 'browser'),
    `#!/bin/sh\nprintf %s "$1" > "${opened}.new" && mv "${opened}.new" "${opened}"\n`,
    { mode: 0o755 },
  );
  return async () => {
    await expect.poll(() => existsSync(opened), { timeout: 20_000 }).toBe(true);
    return readFileSync(opened, 'utf8');
  };
}

describe('a person', () => {
  const signInAs = async (page: Page, login: string) => {
    await page.getByRole('link', { name: /^Sign in with 127\.0\.0\.1/ }).click();
    await page.getByLabel('Who are you?').fill(login);
    await page.getByRole('button', { name: 'Go on' }).click();
  };

  test('signs in at the identity provider, comes back to their page, and is called by their name', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/roles');
    await signInAs(page, 'ada');
    await heading(page, 'Roles').waitFor();
    await page.getByLabel('Session').getByText('Ada Adams').waitFor();
    expect(await page.getByRole('button', { name: 'New role' }).count()).toBe(0);
    await page.reload();
    await page.getByLabel('Session').getByText('Ada Adams').waitFor();
    await close();
  });

  test('without a role is told so', async () => {
    const { page, close } = await visitConsole(chromium.browser, server.url, '/keys');
    await signInAs(page, 'eve');
    await page.getByText('nobody has given you a role here').waitFor();
    expect(page.url()).not.toContain('sign_in_error');
    await close();
  });

  test('signs the command in by the browser of the machine, and opens the console from it by a code', async () => {
    const user = await signInCommand(server.url);
    const browse = spawnBrowser(user.home);
    const login = user.run('login', '--server', server.url);
    const page = await (await chromium.browser.newContext()).newPage();
    await page.goto(await browse());
    await page.getByLabel('Who are you?').fill('ada');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('You are signed in').waitFor();
    expect((await login).stderr).toContain('Sign in in the browser');
    expect(await user.json('whoami')).toMatchObject({ kind: 'person', name: 'Ada Adams', role: 'auditor' });
    const { url } = await user.json('console', '--print');
    await page.goto(url);
    await page.getByLabel('Session').getByText('Ada Adams').waitFor();
    expect(page.url()).toMatch(/\/console\/$/);
    expect((await user.run('logout')).code).toBe(0);
    await page.context().close();
    user.forget();
  });
});
