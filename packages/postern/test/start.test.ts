/** How `postern serve` starts, what it says, what it keeps, what stops it, and how it ends. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { configVariables, readConfig, StartError } from '@postern/server';
import { freePort } from '@postern/testing/free-port';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  run,
  type ServeOptions,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { serveInProcess } from './serve-in-process.ts';

let directory: string;
const started: ServeProcess[] = [];
/** Was told to end at the beginning of these tests, with a request under way that never does. */
let stuck: ServeProcess;
let stuckAnswer: Promise<string>;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  stuck = await startServe(directory, { dataDir: newPlace() });
  const { socket } = await startSlowRequest(stuck);
  stuckAnswer = text(socket).catch((error: NodeJS.ErrnoException) => String(error.code));
  stuck.signal('SIGTERM');
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});
afterAll(async () => {
  await stuck.exit;
  removeDirectory(directory);
});

async function start(options: ServeOptions = {}): Promise<ServeProcess> {
  const server = await startServe(directory, options);
  started.push(server);
  return server;
}

/** A path for data that nothing has used. */
let places = 0;
function newPlace(): string {
  places += 1;
  return join(directory, `place-${places}`);
}

const readScopes = (server: ServeProcess, token: string) =>
  call('GET', `${server.url}/api/v1/oauth/scope`, { authorization: `Bearer ${token}` });

describe('a first start', () => {
  test('says its issuer and where the root credentials are, and never what they are', async () => {
    const server = await start();
    const { clientSecret } = rootCredentials(server.dataDir);
    const { body: metadata } = await call('GET', `${server.url}/.well-known/oauth-authorization-server`);
    expect(server.stderr).toContain(`Postern listens on ${metadata.issuer} `);
    expect(server.stderr).toContain(`API documentation: ${metadata.issuer}/api`);
    expect(server.stderr.match(/https?:\/\/[^\s/]+/g)?.every((url) => url === metadata.issuer)).toBe(true);
    expect(server.stderr).toContain('Root credentials: data/root.env');
    await acquireToken(server.url, rootCredentials(server.dataDir));
    const { code, stdout, stderr } = await server.stop();
    expect(code).toBe(0);
    for (const secret of [clientSecret, readFileSync(join(server.dataDir, 'master.key'), 'utf8').trim()]) {
      expect(secret.length).toBeGreaterThan(40);
      expect(stdout + stderr).not.toContain(secret);
    }
  });

  test('loads nothing of the documentation and the files of the console before somebody asks for them', async () => {
    const preload = join(directory, 'tell-loaded.mjs');
    const tell = 'for (const path of Object.keys(Module._cache)) console.error("loaded", path)';
    writeFileSync(preload, `import Module from 'node:module';\nprocess.on('exit', () => { ${tell}; });\n`);
    const server = await start({ dataDir: newPlace(), env: { NODE_OPTIONS: `--import=${preload}` } });
    await acquireToken(server.url, rootCredentials(server.dataDir));
    const { stderr } = await server.stop();
    const loaded = stderr.split('\n').filter((line) => line.startsWith('loaded '));
    expect(loaded.length).toBeGreaterThan(0);
    expect(loaded.filter((path) => /@fastify\/(static|swagger)|yaml/.test(path))).toEqual([]);
  });

  test('the two commands that it prints work as they are in bash', async () => {
    const server = await start({ dataDir: newPlace() });
    const commands = server.stderr.split('\n').filter((line) => /^ {4}\S/.test(line));
    expect(commands.map((command) => command.trim().split(' ')[0])).toEqual(['source', 'curl']);
    // The server's directory is the one in which its message is read. `curl` is shown what it would send.
    const script = `curl() { printf '%s\\n' "$@"; }\n${commands.join('\n')}`;
    const sent = execFileSync('bash', ['-euc', script], { cwd: directory, encoding: 'utf8' }).trim().split('\n');
    const { clientId, clientSecret } = rootCredentials(server.dataDir);
    expect(sent).toEqual([
      '-X',
      'POST',
      `http://localhost:${server.port}/api/v1/oauth/token`,
      '-d',
      `client_id=${clientId}`,
      '-d',
      `client_secret=${clientSecret}`,
      '-d',
      'grant_type=client_credentials',
    ]);
  });

  test('everything that it makes is for its user alone', async () => {
    const server = await start({ dataDir: join(newPlace(), 'deep', 'data') });
    await acquireToken(server.url, rootCredentials(server.dataDir));
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    const files = readdirSync(server.dataDir);
    expect(files).toEqual(expect.arrayContaining(['root.env', 'master.key', 'postern.db', 'postern.db-wal']));
    expect(mode(server.dataDir)).toBe('700');
    expect(files.map((file) => [file, mode(join(server.dataDir, file))])).toEqual(files.map((file) => [file, '600']));
  });
});

describe('a second start', () => {
  test('keeps the root credentials, the clients and the keys', async () => {
    const dataDir = newPlace();
    // The issuer, which tokens name, holds the port.
    const port = await freePort();
    const first = await start({ dataDir, port });
    const root = rootCredentials(dataDir);
    const token = await acquireToken(first.url, root);
    await first.stop();
    const second = await start({ dataDir, port });
    expect(rootCredentials(dataDir)).toEqual(root);
    expect((await readScopes(second, token)).status).toBe(200);
    await acquireToken(second.url, root);
  });

  test('with another root secret, tokens of the former one die', async () => {
    const dataDir = newPlace();
    const port = await freePort();
    const first = await start({ dataDir, port });
    const token = await acquireToken(first.url, rootCredentials(dataDir));
    await first.stop();
    const root = { clientId: 'root', clientSecret: randomBytes(32).toString('hex') };
    const env = { OAUTH_ROOT_CLIENT_ID: root.clientId, OAUTH_ROOT_CLIENT_SECRET: root.clientSecret };
    const second = await start({ dataDir, port, env });
    expect((await readScopes(second, token)).status).toBe(401);
    expect((await readScopes(second, await acquireToken(second.url, root))).status).toBe(200);
  });
});

describe('root credentials of the operator', () => {
  const root = { clientId: 'gatekeeper', clientSecret: 'correct-horse_battery.staple~9' };

  test('from the environment: none are generated, and the message says where they come from', async () => {
    const env = { OAUTH_ROOT_CLIENT_ID: root.clientId, OAUTH_ROOT_CLIENT_SECRET: root.clientSecret };
    const server = await start({ dataDir: newPlace(), env });
    await acquireToken(server.url, root);
    expect(existsSync(join(server.dataDir, 'root.env'))).toBe(false);
    expect(server.stderr).toContain('OAUTH_ROOT_CLIENT_ID and OAUTH_ROOT_CLIENT_SECRET of the environment');
    const { stdout, stderr } = await server.stop();
    expect(stdout + stderr).not.toContain(root.clientSecret);
  });

  test('the secret from a file, a newline at its end or not', async () => {
    for (const end of ['', '\n']) {
      const file = newPlace();
      writeFileSync(file, root.clientSecret + end);
      const env = { OAUTH_ROOT_CLIENT_ID: root.clientId, OAUTH_ROOT_CLIENT_SECRET_FILE: file };
      const server = await start({ dataDir: newPlace(), env });
      await acquireToken(server.url, root);
    }
  });

  test('an empty variable counts as not set', async () => {
    const env = { OAUTH_ROOT_CLIENT_ID: '', OAUTH_ROOT_CLIENT_SECRET: '', POSTERN_ISSUER: '', DATABASE_URL: '' };
    const server = await start({ dataDir: newPlace(), env });
    await acquireToken(server.url, rootCredentials(server.dataDir));
  });
});

/** One line on standard error, nothing that looks like a program's inside, and exit code 1. */
async function expectRefusal(env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await run(['serve'], { POSTERN_DATA_DIR: newPlace(), ...env }, directory);
  // On a slow machine it also says what it waits for.
  expect(stderr).toMatch(/^(?:postern: waiting for [^\n]+\n)?postern: [^\n]+\n$/);
  expect(stderr).not.toMatch(/\bat .*\.[jt]s\b|node:internal|\[object/);
  expect([code, stdout]).toEqual([1, '']);
  return stderr.trimEnd().split('\n').at(-1) as string;
}

/** The line that stops the start if the variables alone are at fault, without the second that a process takes. */
function findConfigFault(env: Record<string, string>): string | undefined {
  try {
    readConfig({ POSTERN_DATA_DIR: newPlace(), ...env });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return `postern: ${(error as Error).message}`;
  }
}

describe('a wrong variable stops the start with one line that names it, its fault and a right example', () => {
  const missing = '/nowhere/at/all';
  const id = { OAUTH_ROOT_CLIENT_ID: 'root' };
  const secret = randomBytes(32).toString('hex');
  const key = randomBytes(32).toString('base64');

  /** The variable at fault, how the start is asked for, and what the line says of it. */
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['HOST', { HOST: 'not a host' }, /is not an address or host name/],
    ['HOST', { HOST: '192.0.2.1' }, /192\.0\.2\.1 is not an address of this machine/],
    ['HOST', { HOST: 'no-such-host.invalid' }, /is not an address of this machine/],
    ['POSTERN_METRICS_PORT', { POSTERN_METRICS_PORT: 'on' }, /"on" is not a whole number from 1 to 65535/],
    ['POSTERN_OTLP_ENDPOINT', { POSTERN_OTLP_ENDPOINT: 'collector' }, /is not an http or https URL/],
    ['POSTERN_METRICS_HOST', { POSTERN_METRICS_HOST: 'a b' }, /"a b" is not an address or host name/],
    ['PORT', { PORT: 'http' }, /"http" is not a whole number from 1 to 65535/],
    ['PORT', { PORT: '0' }, /"0" is not/],
    ['PORT', { PORT: '65536' }, /"65536" is not/],
    ['PORT', { PORT: '8080.5' }, /"8080\.5" is not/],
    ['PORT', { PORT: '80\n80' }, /is not a whole number/],
    ['POSTERN_ISSUER', { POSTERN_ISSUER: 'auth.example.com' }, /is not an https URL/],
    ['POSTERN_ISSUER', { POSTERN_ISSUER: 'http://auth.example.com' }, /must use https/],
    ['POSTERN_ISSUER', { POSTERN_ISSUER: 'https://auth.example.com/' }, /without a slash at the end/],
    ['POSTERN_ISSUER', { POSTERN_ISSUER: 'https://auth.example.com?tenant=1' }, /must have no query/],
    ['POSTERN_DATA_DIR', { POSTERN_DATA_DIR: '/dev/null' }, /\/dev\/null is not a directory/],
    ['POSTERN_DATA_DIR', { POSTERN_DATA_DIR: '/dev/null/data' }, /cannot create the directory.*ENOTDIR/],
    ['POSTERN_DATA_DIR', { POSTERN_DATA_DIR: '/proc/data' }, /cannot create the directory.*ENOENT/],
    ['POSTERN_DATA_DIR', { POSTERN_DATA_DIR: '/proc/self' }, /cannot write or read \/proc\/self\/root\.env/],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://root:hunter2@db/postern' }, /must be sqlite: and a path/],
    ['DATABASE_URL', { DATABASE_URL: 'sqlite:/dev/null/deep/postern.db' }, /cannot create the directory.*ENOTDIR/],
    ['DATABASE_URL', { DATABASE_URL: 'sqlite:/proc/postern.db' }, /cannot open the database \/proc\/postern\.db/],
    ['OAUTH_ROOT_CLIENT_ID', { OAUTH_ROOT_CLIENT_SECRET: secret }, /is missing/],
    [
      'OAUTH_ROOT_CLIENT_ID',
      { OAUTH_ROOT_CLIENT_ID: 'the root', OAUTH_ROOT_CLIENT_SECRET: secret },
      /1 to 128 letters/,
    ],
    ['OAUTH_ROOT_CLIENT_SECRET', id, /is missing/],
    ['OAUTH_ROOT_CLIENT_SECRET', { ...id, OAUTH_ROOT_CLIENT_SECRET: 'hunter2' }, /has only 7 characters/],
    ['OAUTH_ROOT_CLIENT_SECRET', { ...id, OAUTH_ROOT_CLIENT_SECRET: 'hunter2 & more' }, /letters, digits or/],
    ['OAUTH_ROOT_CLIENT_SECRET_FILE', { ...id, OAUTH_ROOT_CLIENT_SECRET_FILE: missing }, /cannot read.*ENOENT/],
    [
      'OAUTH_ROOT_CLIENT_SECRET',
      { ...id, OAUTH_ROOT_CLIENT_SECRET: secret, OAUTH_ROOT_CLIENT_SECRET_FILE: missing },
      /OAUTH_ROOT_CLIENT_SECRET_FILE are both set/,
    ],
    ['OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES', { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '8 days' }, /"8 days" is not a whole/],
    ['OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES', { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '0' }, /from 1 to 525600/],
    ['OAUTH_ROOT_CLIENT_SECRET', { ...id, OAUTH_ROOT_CLIENT_SECRET: 'changeme-changeme-changeme' }, /is easy to guess/],
    ['OAUTH_ROOT_DISABLED', { OAUTH_ROOT_DISABLED: 'yes' }, /"yes" is not one of true, false/],
    ['POSTERN_MASTER_KEY', { POSTERN_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }, /is easy to guess/],
    ['POSTERN_MASTER_KEY', { POSTERN_MASTER_KEY: 'hunter2' }, /is not 32 bytes in base64/],
    ['POSTERN_MASTER_KEY_FILE', { POSTERN_MASTER_KEY_FILE: missing }, /cannot read.*ENOENT/],
    ['POSTERN_MASTER_KEY', { POSTERN_MASTER_KEY: key, POSTERN_MASTER_KEY_FILE: missing }, /are both set/],
    ['POSTERN_TRUSTED_PROXIES', { POSTERN_TRUSTED_PROXIES: '10.0.0.0/8,proxy' }, /"proxy" is not an address or CIDR/],
    ['POSTERN_TRUSTED_PROXIES', { POSTERN_TRUSTED_PROXIES: '10.0.0.0/33' }, /"10\.0\.0\.0\/33" is not/],
    ['POSTERN_CHECKPOINT_FILE', { POSTERN_CHECKPOINT_FILE: '/nowhere/checkpoints' }, /cannot write \/nowhere.*ENOENT/],
    ['POSTERN_CHECKPOINT_MINUTES', { POSTERN_CHECKPOINT_MINUTES: '0' }, /"0" is not a whole number from 1 to 44640/],
    ['POSTERN_CHECKPOINT_URL', { POSTERN_CHECKPOINT_URL: 's3://bucket' }, /is not an http or https URL/],
    [
      'POSTERN_CHECKPOINT_ACCESS_KEY_ID',
      { POSTERN_CHECKPOINT_URL: 'https://s3.example.com', POSTERN_CHECKPOINT_SECRET_ACCESS_KEY: 'x' },
      /is missing/,
    ],
    [
      'POSTERN_CHECKPOINT_SECRET_ACCESS_KEY',
      { POSTERN_CHECKPOINT_URL: 'https://s3.example.com', POSTERN_CHECKPOINT_ACCESS_KEY_ID: 'x' },
      /is missing/,
    ],
    ['POSTERN_SIGNING_ALGORITHM', { POSTERN_SIGNING_ALGORITHM: 'HS256' }, /"HS256" is not one of ES256, EdDSA/],
    ['POSTERN_KEY_LEAD_MINUTES', { POSTERN_KEY_LEAD_MINUTES: '0' }, /"0" is not a whole number from 1 to 10080/],
    ['POSTERN_KEY_ROTATION_DAYS', { POSTERN_KEY_ROTATION_DAYS: '-1' }, /"-1" is not a whole number from 0 to 3650/],
    ['POSTERN_FETCH_ALLOWED_NETWORKS', { POSTERN_FETCH_ALLOWED_NETWORKS: '10.0.0.0/33' }, /not an address or CIDR/],
    [
      'POSTERN_CLIENT_METADATA_HOSTS',
      { POSTERN_CLIENT_METADATA_HOSTS: 'https://a.example' },
      /is not a host name, or \*\. and/,
    ],
    ['POSTERN_OUTBOUND_HOSTS', { POSTERN_OUTBOUND_HOSTS: 'https://a.example' }, /is not a host name, or \*\. and/],
    ['POSTERN_DPOP_NONCES', { POSTERN_DPOP_NONCES: 'on' }, /"on" is not one of off, required/],
    ['POSTERN_REGISTRATION', { POSTERN_REGISTRATION: 'on' }, /"on" is not one of off, initial_access_token/],
    ['POSTERN_ALLOW_HTTP', { POSTERN_ALLOW_HTTP: 'yes' }, /"yes" is not one of true, false/],
    ['POSTERN_CORS_ORIGINS', { POSTERN_CORS_ORIGINS: 'app.example' }, /"app.example" is not the origin of a web page/],
    ['POSTERN_CA_FILE', { POSTERN_CA_FILE: '/none.pem' }, /cannot read \/none.pem \(ENOENT\)/],
    ['HTTPS_PROXY', { HTTPS_PROXY: 'ftp://proxy.example', NO_PROXY: '*' }, /is not the http or https URL of a proxy/],
    ['HTTP_PROXY', { HTTP_PROXY: 'ftp://proxy.example' }, /is not the http or https URL of a proxy/],
    ['POSTERN_TLS_CERT_FILE', { POSTERN_TLS_CERT_FILE: '/none.pem', POSTERN_TLS_KEY_FILE: '/none.key' }, /\/none\.pem/],
    ['POSTERN_TLS_KEY_FILE', { POSTERN_TLS_CERT_FILE: '/none.pem' }, /POSTERN_TLS_KEY_FILE/],
    ['POSTERN_TLS_CERT_FILE', { POSTERN_TLS_CLIENT_CA_FILE: '/none.pem' }, /is missing/],
    ['POSTERN_TLS_CERT_FILE', { POSTERN_TLS_CLIENT_CRL_FILE: '/none.crl' }, /is missing/],
    ['POSTERN_PROXY_PROTOCOL', { POSTERN_PROXY_PROTOCOL: 'yes' }, /"yes"/],
    ['POSTERN_TRUSTED_PROXIES', { POSTERN_PROXY_PROTOCOL: 'true' }, /POSTERN_PROXY_PROTOCOL is about connections from/],
    ['POSTERN_CLIENT_CERTIFICATE_HEADER', { POSTERN_CLIENT_CERTIFICATE_HEADER: 'a b' }, /a b/],
    ['POSTERN_DELEGATION', { POSTERN_DELEGATION: 'all' }, /"all" is not one of registry, held/],
    ['POSTERN_DATABASE_POOL_SIZE', { POSTERN_DATABASE_POOL_SIZE: '0' }, /"0" is not a whole number from 1 to 1000/],
    ['POSTERN_DATABASE_TIMEOUT_MS', { POSTERN_DATABASE_TIMEOUT_MS: '3s' }, /"3s" is not a whole number from 100/],
    ['POSTERN_MAX_STALENESS_SECONDS', { POSTERN_MAX_STALENESS_SECONDS: '0' }, /"0" is not a whole number from 1/],
    ['POSTERN_CACHED_CLIENTS', { POSTERN_CACHED_CLIENTS: 'all' }, /"all" is not a whole number from 1/],
    ['POSTERN_OVERLOAD_MS', { POSTERN_OVERLOAD_MS: '-1' }, /"-1" is not a whole number from 0 to 60000/],
    ['POSTERN_WORKERS', { POSTERN_WORKERS: 'auto' }, /"auto" is not a whole number from 1 to 256/],
    ['POSTERN_SIGN_IN_ISSUER', { POSTERN_SIGN_IN_ISSUER: 'login' }, /is not an http or https URL/],
    ['POSTERN_SIGN_IN_CLIENT_ID', { POSTERN_SIGN_IN_CLIENT_ID: 'pöstern' }, /printable ASCII/],
    ['POSTERN_SIGN_IN_CLIENT_SECRET', { POSTERN_SIGN_IN_CLIENT_SECRET: 'ä' }, /printable ASCII/],
    ['POSTERN_SIGN_IN_ISSUER', { POSTERN_SIGN_IN_PRIVATE_KEY_FILE: '/none.pem' }, /is missing/],
    ['POSTERN_SIGN_IN_SCOPE', { POSTERN_SIGN_IN_SCOPE: 'profile' }, /must be openid/],
    ['POSTERN_SIGN_IN_ROLES', { POSTERN_SIGN_IN_ROLES: '{' }, /./],
    ['POSTERN_LOG_LEVEL', { POSTERN_LOG_LEVEL: 'loud' }, /"loud" is not one of info/],
  ];

  test.concurrent.each(cases)('%s %j', async (variable, env, fault) => {
    const line = findConfigFault(env) ?? (await expectRefusal(env));
    expect(line).toMatch(new RegExp(`^postern: ${variable}\\b`));
    expect(line).toMatch(fault);
    expect(line).toMatch(new RegExp(`Example: ${variable}(_FILE)?=\\S`));
    expect(line).not.toContain('hunter2');
  });

  test('every variable there is has a case', () => {
    const tried = new Set(cases.flatMap(([variable, env]) => [variable, ...Object.keys(env)]));
    expect(configVariables.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });
});

test('a misspelled variable is named at the start, since it is ignored', async () => {
  const server = await start({ dataDir: newPlace(), env: { POSTERN_DATABASE_URL: 'postgres://localhost/postern' } });
  expect(server.stderr).toContain(
    'postern: POSTERN_DATABASE_URL is not a variable of Postern, which ignores it. Did you mean DATABASE_URL?\n',
  );
});

describe('what else stops the start, with one line', () => {
  test('a port that is in use', async () => {
    const server = await start({ dataDir: newPlace() });
    const line = await expectRefusal({ PORT: String(server.port) });
    expect(line).toContain(`PORT: ${server.port} is in use by another program. Example: PORT=${server.port + 1}`);
  });

  test('a database from a newer version, which stays as it is', async () => {
    const dataDir = newPlace();
    await (await serveInProcess(directory, { dataDir })).stop();
    const database = new DatabaseSync(join(dataDir, 'postern.db'));
    database.exec("insert into server_migration values ('9999-from-the-future', '2099-01-01T00:00:00.000Z')");
    database.close();
    const before = readFileSync(join(dataDir, 'postern.db'));
    const line = await expectRefusal({ POSTERN_DATA_DIR: dataDir });
    expect(line).toMatch(/newer version of Postern \(server migration 9999-from-the-future\): start that version/);
    expect(readFileSync(join(dataDir, 'postern.db')).equals(before)).toBe(true);
  });

  test('a file that is no database, which stays as it is', async () => {
    const path = newPlace();
    const content = 'Dear diary, today I learned of OAuth. '.repeat(200);
    writeFileSync(path, content);
    const line = await expectRefusal({ DATABASE_URL: `sqlite:${path}` });
    expect(line).toContain(`DATABASE_URL: cannot open the database ${path} (file is not a database)`);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  test.each<[string, (dataDir: string) => void, RegExp]>([
    [
      'was deleted',
      (dataDir) => rmSync(join(dataDir, 'postern.db')),
      /postern\.db is missing, although .*master\.key is of an earlier/,
    ],
    [
      'was deleted, and the master key too',
      (dataDir) => ['postern.db', 'master.key'].map((name) => rmSync(join(dataDir, name))),
      /root\.env is of an earlier/,
    ],
    ['was emptied', (dataDir) => truncateSync(join(dataDir, 'postern.db')), /postern\.db is empty/],
  ])('a data directory whose database %s, unless a new one is asked for', async (_, lose, message) => {
    const dataDir = newPlace();
    await (await serveInProcess(directory, { dataDir })).stop();
    lose(dataDir);
    const line = await expectRefusal({ POSTERN_DATA_DIR: dataDir });
    expect(line).toMatch(message);
    expect(line).toContain('postern serve --new-database');
    expect(existsSync(join(dataDir, 'postern.db-wal'))).toBe(false);
    const server = await start({ dataDir, args: ['--new-database'] });
    await acquireToken(server.url, rootCredentials(dataDir));
  });

  test('another master key than the one that the database was made with', async () => {
    const dataDir = newPlace();
    await (await serveInProcess(directory, { dataDir })).stop();
    const POSTERN_MASTER_KEY = randomBytes(32).toString('base64');
    expect(await expectRefusal({ POSTERN_DATA_DIR: dataDir, POSTERN_MASTER_KEY })).toMatch(
      /POSTERN_MASTER_KEY: does not open the signing keys in the database/,
    );
    rmSync(join(dataDir, 'master.key'));
    expect(await expectRefusal({ POSTERN_DATA_DIR: dataDir })).toMatch(/POSTERN_MASTER_KEY: does not open/);
  });

  test.each([
    ['root.env', 'OAUTH_ROOT_CLIENT_ID=root\n'],
    ['root.env', ''],
    ['master.key', 'hunter2\n'],
  ])('a damaged %s: %j', async (file, content) => {
    const dataDir = newPlace();
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, file), content);
    const line = await expectRefusal({ POSTERN_DATA_DIR: dataDir });
    expect(line).toContain(join(dataDir, file));
    expect(line).not.toContain('hunter2');
  });
});

describe('the command line', () => {
  test('serve --help lists every variable with its default, its unit and its meaning', async () => {
    const { code, stdout } = await run(['serve', '--help']);
    expect(code).toBe(0);
    for (const { name, default: fallback, unit, meaning } of configVariables) {
      const inUnit = unit === undefined ? '' : `in ${unit}, `;
      expect(stdout).toContain(`  ${name} (${inUnit}default: ${fallback})\n      ${meaning}\n`);
    }
  });

  test.concurrent.each([
    [['srve'], /unknown command 'srve'.*\(Did you mean serve\?\)/s],
    [['serve', '--prot', '80'], /unknown option '--prot'/],
    [['serve', 'now'], /too many arguments/],
  ])('%j is an error that says what is wrong', async (args, fault) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(fault);
    expect(stderr).not.toMatch(/\bat .*\.[jt]s\b/);
    expect([code, stdout]).toEqual([2, '']);
  });

  test('without a command it tells which there are', async () => {
    const { code, stderr } = await run([]);
    expect(stderr).toMatch(/Commands:\s+serve/);
    expect(code).toBe(2);
  });
});

/** A token request that has yet to send the last byte of its body. */
async function startSlowRequest(server: ServeProcess): Promise<{ socket: Socket; finish: () => void }> {
  const { clientId, clientSecret } = rootCredentials(server.dataDir);
  const body = `grant_type=client_credentials&client_id=${clientId}&client_secret=${clientSecret}`;
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /api/v1/oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n' +
      `Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
  );
  // The server asks for the body, so that the request is under way for certain.
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 100 /);
  socket.write(body.slice(0, -1));
  return { socket, finish: () => void socket.write(body.slice(-1)) };
}

const isReachable = (server: ServeProcess) =>
  fetch(`${server.url}/health`).then(
    () => true,
    () => false,
  );

describe('SIGTERM and SIGINT', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets a request finish, takes no new one, and exits with 0',
    async (signal) => {
      const server = await start({ dataDir: newPlace() });
      // A connection that stays open without a request does not hold the end up.
      await call('GET', `${server.url}/health`);
      const { socket, finish } = await startSlowRequest(server);
      server.signal(signal);
      await server.logged('"msg":"stopping"');
      while (await isReachable(server)) {}
      finish();
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"access_token":"/s);
      const { code, stdout } = await server.exit;
      expect(stdout).toContain('"msg":"stopped"');
      expect(code).toBe(0);
    },
  );

  test('a request that never finishes is cut off after eight seconds', async () => {
    const { code, stdout } = await stuck.exit;
    expect(stdout).toContain('"msg":"stopped"');
    expect(code).toBe(0);
    // It was closed without an answer: the limit for requests, which is longer, would have given one.
    expect(['', 'ECONNRESET']).toContain(await stuckAnswer);
  });

  test('a port is free again after the end', async () => {
    const server = await start({ dataDir: newPlace() });
    await server.stop();
    const next = createServer().listen(server.port, '127.0.0.1');
    await once(next, 'listening');
    next.close();
  });
});
