/** Login, profiles, variables and options: which client a command is, and that secrets are sent to their server only. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@postern/testing/free-port';
import { enterDeviceCode, type SignInProvider, startSignInProvider } from '@postern/testing/sign-in-provider';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runInProcess } from './in-process.ts';
import { type SignedIn, signIn } from './signed-in.ts';

let server: TestServer;
let client: Credentials;
let user: SignedIn;

beforeAll(async () => {
  server = await startTestServer();
  client = await server.createClient({ scopes: ['scope:read'] });
});
afterAll(() => server.close());
beforeEach(async () => {
  user?.forget();
  user = await signIn(server.url);
});

const profilesFile = () => join(user.home, 'config', 'postern', 'profiles.json');
const loginArgs = () => ['login', '--server', server.url, '--client-id', client.clientId, '--client-secret-file', '-'];
const login = (...more: string[]) => user.pipe(client.clientSecret, ...loginArgs(), ...more);

describe('login', () => {
  test('keeps credentials that the server accepts in a file that only this user can read', async () => {
    const { code, stdout } = await login();
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`Signed in to ${server.url} as ${client.clientId}, which has 1 scope.`),
    ]);
    expect(stdout).not.toContain(client.clientSecret);
    expect(statSync(profilesFile()).mode & 0o777).toBe(0o600);
    expect(statSync(join(user.home, 'config', 'postern')).mode & 0o777).toBe(0o700);
    expect(await user.json('scope', 'list')).toContainEqual(expect.objectContaining({ name: 'scope:read' }));
  });

  test('as the root client, by the file that the server created', async () => {
    const { code } = await user.run('login', '--server', server.url, '--root', join(server.dataDir, 'root.env'));
    expect(code).toBe(0);
    expect(await user.json('client', 'show', client.clientId)).toMatchObject({ client_id: client.clientId });
  });

  test('without a client, where people cannot sign in, says that none is named', async () => {
    const { code, stderr, stdout } = await user.run('login', '--server', server.url);
    expect([code, stdout, stderr.toLowerCase()]).toEqual([2, '', expect.stringContaining('no client is named')]);
  });

  test('a wrong secret is not kept', async () => {
    const { code, stderr } = await user.pipe('wrong', ...loginArgs());
    expect([code, stderr]).toEqual([4, expect.stringContaining('rejects these credentials')]);
    expect(() => statSync(profilesFile())).toThrow();
  });

  test.each<[number, string, string[]]>([
    [2, 'without a secret', ['--client-id', 'x']],
    [2, 'cannot read', ['--client-id', 'x', '--client-secret-file', '/nonexistent']],
    [2, 'is not a valid name of a profile', ['--profile', '../x', '--client-id', 'x']],
    [2, 'is not the URL of a server', ['--server', 'auth.example.com', '--client-id', 'x']],
    [2, 'plain http to another machine', ['--server', 'http://auth.example.com', '--client-id', 'x']],
    [2, 'is it the root.env', ['--root', '/dev/null']],
    [2, 'leave out --client-id', ['--root', '/dev/null', '--client-id', 'x']],
    [2, "unknown option '--client-secret'", ['--client-secret', 'x']],
  ])('exit code %i and "%s" for %j', async (expected, words, args) => {
    const { code, stderr, stdout } = await user.run('login', ...args);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr.toLowerCase()).toContain(words.toLowerCase());
  });
});

describe('profiles', () => {
  test('list, use and logout; the profile created last is the current one', async () => {
    await login();
    await login('--profile', 'other');
    expect(
      (await user.json('profile', 'list')).map((one: { name: string; current: boolean }) => [one.name, one.current]),
    ).toEqual([
      ['default', false],
      ['other', true],
    ]);
    await user.run('profile', 'use', 'default');
    const { stdout } = await user.run('profile', 'list');
    expect(stdout).toMatch(/^\* +default/m);
    expect(stdout).not.toContain(client.clientSecret);
    await user.run('logout');
    expect((await user.run('token')).code).toBe(2);
    expect((await user.run('token', '--profile', 'other')).code).toBe(0);
    expect((await user.run('profile', 'use', 'default')).code).toBe(2);
    expect((await user.run('logout', '--profile', 'default')).code).toBe(2);
  });

  test('a file that other users can read, or that is invalid, is refused', async () => {
    await login();
    chmodSync(profilesFile(), 0o644);
    expect(await user.run('token')).toMatchObject({ code: 2, stderr: expect.stringContaining('chmod 600') });
    chmodSync(profilesFile(), 0o600);
    writeFileSync(profilesFile(), '{"profiles":{"default":{}}}');
    expect(await user.run('token')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not a file of profiles'),
    });
  });

  test('the secret of a profile is not sent to another server', async () => {
    await login();
    const { code, stderr } = await user.run('token', '--server', 'https://evil.example');
    expect([code, stderr]).toEqual([2, expect.stringContaining('is not sent to https://evil.example')]);
  });
});

describe('without a profile', () => {
  const env = (more: Record<string, string>) => ({ HOME: user.home, POSTERN_SERVER: server.url, ...more });

  test('variables name the credentials, or a file with the secret', async () => {
    const id = { POSTERN_CLIENT_ID: client.clientId };
    const secret = { POSTERN_CLIENT_SECRET: client.clientSecret };
    expect((await runInProcess(['token'], env({ ...id, ...secret }))).code).toBe(0);
    const file = join(user.home, 'secret');
    writeFileSync(file, `${client.clientSecret}\n`);
    expect((await runInProcess(['token'], env({ ...id, POSTERN_CLIENT_SECRET_FILE: file }))).code).toBe(0);
    expect(await runInProcess(['token'], env(id))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('without a secret'),
    });
    expect(await runInProcess(['token'], env(secret))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('without a client id'),
    });
  });

  test('variables take precedence over the current profile, and a named profile over variables', async () => {
    await login();
    const wrong = {
      XDG_CONFIG_HOME: join(user.home, 'config'),
      POSTERN_CLIENT_ID: 'x',
      POSTERN_CLIENT_SECRET: 'wrong',
    };
    expect((await runInProcess(['token'], env(wrong))).code).toBe(4);
    expect((await runInProcess(['token', '--profile', 'default'], env(wrong))).code).toBe(0);
  });

  test('without credentials the error says how to sign in', async () => {
    expect(await user.run('client', 'list')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('postern login'),
    });
  });
});

describe('token', () => {
  test('prints only the token, with the requested scopes', async () => {
    await login();
    const { stdout } = await user.run('token', '--scope', 'scope:read');
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const answer = await server.call('GET', '/api/v1/oauth/scope', { token: stdout.trim() });
    expect(answer.status).toBe(200);
    expect(await user.json('token')).toMatchObject({ token_type: 'Bearer', scope: 'scope:read' });
  });

  test('fails for a scope that the client lacks, and for an unknown resource', async () => {
    await login();
    expect(await user.run('token', '--scope', 'policy:read')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('policy:read'),
    });
    const { code, stderr } = await user.run('token', '--resource', 'https://x.example', '--json');
    expect([code, JSON.parse(stderr)]).toEqual([1, expect.objectContaining({ error: 'invalid_target', exit_code: 1 })]);
  });
});

test('an unreachable server', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, stderr } = await user.pipe(
    's',
    'token',
    '--server',
    url,
    '--client-id',
    'x',
    '--client-secret-file',
    '-',
  );
  expect([code, stderr]).toEqual([3, expect.stringContaining(`cannot reach ${url}: nothing is listening there.`)]);
});

test('login works with an existing directory of profiles', async () => {
  mkdirSync(join(user.home, 'config', 'postern'), { recursive: true });
  expect((await login()).code).toBe(0);
  expect(JSON.parse(readFileSync(profilesFile(), 'utf8')).current).toBe('default');
});

describe('a person', () => {
  let provider: SignInProvider;
  let place: TestServer;

  beforeAll(async () => {
    provider = await startSignInProvider([{ claims: { groups: 'auditors' }, role: 'auditor' }]);
    provider.people['ada'] = { name: 'Ada Adams', email: 'ada@example.com', groups: ['auditors'] };
    place = await startTestServer({ env: provider.env });
  });
  afterAll(async () => {
    provider.close();
    await place.close();
  });

  /** Signs in by `postern login --device`, and enters the code that the command shows. */
  async function loginWithDevice(of: SignedIn, login: string) {
    const shown = Promise.withResolvers<string>();
    const env = { HOME: of.home, XDG_CONFIG_HOME: join(of.home, 'config'), BROWSER: '/bin/false' };
    const exit = runInProcess(['login', '--server', place.url, '--device'], env, '', (text) => {
      const [, url] = /Or go straight to (\S+)\n/.exec(text) ?? [];
      if (url !== undefined) {
        shown.resolve(url);
      }
    });
    await enterDeviceCode(await shown.promise, login);
    return exit;
  }

  test('RFC 8628 §3.3 signs in on another device: the command shows the code, and waits until it is entered', async () => {
    const { code, stdout, stderr } = await loginWithDevice(user, 'ada');
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Signed in to ${place.url} as person:`)]);
    expect(stderr).toMatch(/go to http:\S+\nand enter the code [A-Z]{4}-[A-Z]{4}\n/);
    expect(await user.json('whoami')).toMatchObject({ kind: 'person', name: 'Ada Adams', role: 'auditor' });
  });

  test('is listed, and loses all sessions when somebody ends them, by their name or address', async () => {
    await loginWithDevice(user, 'ada');
    const { client_id: id } = await user.json('whoami');
    const administrator = await signIn(place.url, place.root);
    try {
      const find = async () =>
        (await administrator.json('person', 'list')).find((one: { id: string }) => one.id === id);
      expect(await find()).toMatchObject({ name: 'Ada Adams', email: 'ada@example.com', role: 'auditor', sub: 'ada' });
      expect((await administrator.run('person', 'list')).stdout).toMatch(/Ada Adams +ada@example\.com +auditor +\d/);
      expect((await find()).open_sessions).toBeGreaterThan(0);
      expect(await user.run('person', 'end-sessions', id)).toMatchObject({ code: 4 });
      const ended = await administrator.run('person', 'end-sessions', 'ada@example.com');
      expect(ended).toMatchObject({ code: 0, stdout: `All sessions of ${id} ended.\n` });
      expect(ended.stderr).toContain(`ada@example.com is the person ${id}.`);
      expect((await find()).open_sessions).toBe(0);
      expect((await user.run('whoami')).code).not.toBe(0);
    } finally {
      administrator.forget();
    }
  });
});

test('postern console gives the browser no secret as an argument, and no file that others can read or that stays', async () => {
  await login();
  const seen = join(user.home, 'seen');
  const script = `#!/bin/sh\nfile="\${1#file://}"\nprintf '%s\\n' "$1" "$(stat -c '%a' "$file" "$(dirname "$file")" | xargs)" "$(cat "$file")" > "${seen}.new"\nmv "${seen}.new" "${seen}"\n`;
  writeFileSync(join(user.home, 'browser'), script, { mode: 0o755 });
  const { code, stdout } = await user.run('console');
  expect([code, stdout]).toEqual([0, `The console is open in the browser: ${server.url}/console/\n`]);
  await expect.poll(() => existsSync(seen), { timeout: 10_000 }).toBe(true);
  const [address = '', modes, page = ''] = readFileSync(seen, 'utf8').split('\n');
  expect(address).toMatch(/^file:\/\/.*\/open\.html$/);
  expect(modes).toBe('600 700');
  const secret = /content="0;url=[^"]*\/console\/#code=([\w-]+)"/.exec(page)?.[1] ?? '';
  expect(secret.length).toBeGreaterThan(40);
  expect(readdirSync(user.home).filter((name) => name.startsWith('postern-console-'))).toEqual([]);
  const body = { code: secret };
  const started = await fetch(`${server.url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'postern-session': '1' },
    body: JSON.stringify(body),
  });
  expect(started.status).toBe(200);
});

test('postern console prints the address if it can write no file for the browser', async () => {
  const env = { HOME: '/nonexistent', BROWSER: '/bin/true', POSTERN_SERVER: server.url };
  const { code, stdout } = await runInProcess(['console'], {
    ...env,
    POSTERN_CLIENT_ID: client.clientId,
    POSTERN_CLIENT_SECRET: client.clientSecret,
  });
  expect([code, stdout]).toEqual([0, expect.stringContaining(`${server.url}/console/#code=`)]);
});
