/** Every variable of the environment: its default, what it takes, and what it says of a wrong value. */
import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StartError } from '../start-error.ts';
import { readConfig } from './config.ts';
import { configVariables } from './variables.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(content: string | Buffer): string {
  const path = join(directory, 'secret');
  writeFileSync(path, content);
  return path;
}

/** The one line that a start with this environment stops with. */
function faultOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return (error as StartError).message;
  }
  throw new Error(`nothing is wrong with ${JSON.stringify(env)}`);
}

/** In base64 it has both characters that base64url writes differently. */
const masterKey = hash('sha256', 'master key 3', 'buffer');
const base64Key = masterKey.toString('base64');
const rootSecret = 'h7Kq_2xWm.9bTzVd~4mHs-R6';
const root = { OAUTH_ROOT_CLIENT_ID: 'root', OAUTH_ROOT_CLIENT_SECRET: rootSecret };

test('without any variable, everything has its default', () => {
  expect(readConfig({})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    issuer: 'http://localhost:8080',
    allowHttp: false,
    dataDir: resolve('data'),
    database: { kind: 'sqlite', path: resolve('data/postern.db'), timeoutMs: 3_000 },
    maxStalenessSeconds: 60,
    cachedClients: 10_000,
    workers: 1,
    overloadMs: 500,
    root: undefined,
    rootDisabled: false,
    accessTokenTtlSeconds: 691_200,
    signingAlgorithm: 'ES256',
    keyRotationDays: 90,
    keyLeadMinutes: 60,
    masterKey: undefined,
    trustedProxies: [],
    proxyProtocol: false,
    fetchAllowedNetworks: [],
    outboundHosts: undefined,
    clientMetadataHosts: undefined,
    dpopNonces: 'off',
    delegation: 'registry',
    registration: 'off',
    tls: undefined,
    ca: undefined,
    clientCertificateHeader: undefined,
    metrics: 'off',
    checkpoints: { file: undefined, bucket: undefined, intervalMs: 86_400_000 },
    otlpEndpoint: undefined,
    logLevel: 'info',
  });
});

test('a variable that is empty or blank counts as not set', () => {
  const blank = Object.fromEntries(configVariables.map(({ name }, index) => [name, index % 2 === 0 ? '' : ' ']));
  expect(readConfig({ ...blank, OAUTH_ROOT_CLIENT_SECRET_FILE: '', POSTERN_MASTER_KEY_FILE: '' })).toEqual(
    readConfig({}),
  );
});

test('a file that is not UTF-8 is a fault that says where, and UTF-16 one that says so', () => {
  const faultOfFile = (content: Buffer) =>
    faultOf({ OAUTH_ROOT_CLIENT_ID: 'root', OAUTH_ROOT_CLIENT_SECRET_FILE: fileOf(content) });
  expect(faultOfFile(Buffer.from(`${rootSecret}\xe9`, 'latin1'))).toContain('line 1, byte 25: 0xE9 is not UTF-8');
  expect(faultOfFile(Buffer.from(`\ufeff${rootSecret}`, 'utf16le'))).toContain('is UTF-16');
});

describe('what a variable takes', () => {
  test.each<[Record<string, string>, object]>([
    [{ HOST: '0.0.0.0' }, { host: '0.0.0.0' }],
    [{ HOST: '::' }, { host: '::' }],
    [{ HOST: 'auth.internal' }, { host: 'auth.internal' }],
    [{ OAUTH_ROOT_DISABLED: 'true' }, { rootDisabled: true }],
    [{ PORT: '1' }, { port: 1, issuer: 'http://localhost:1' }],
    [{ PORT: '65535' }, { port: 65_535 }],
    [{ PORT: ' 8081 ' }, { port: 8_081 }],
    [{ POSTERN_ISSUER: 'https://auth.example.com' }, { issuer: 'https://auth.example.com' }],
    [{ POSTERN_ISSUER: 'https://example.com:8443/auth' }, { issuer: 'https://example.com:8443/auth' }],
    [{ POSTERN_ISSUER: 'http://127.0.0.1:9000' }, { issuer: 'http://127.0.0.1:9000' }],
    [{ POSTERN_ISSUER: 'http://[::1]:9000' }, { issuer: 'http://[::1]:9000' }],
    [
      { POSTERN_ISSUER: 'http://postern.auth.svc:8080', POSTERN_ALLOW_HTTP: 'true' },
      { issuer: 'http://postern.auth.svc:8080' },
    ],
    [
      { POSTERN_DATA_DIR: '/srv/postern' },
      { dataDir: '/srv/postern', database: { kind: 'sqlite', path: '/srv/postern/postern.db' } },
    ],
    [
      { POSTERN_DATA_DIR: 'here' },
      { dataDir: resolve('here'), database: { kind: 'sqlite', path: resolve('here/postern.db') } },
    ],
    [{ DATABASE_URL: 'sqlite:/srv/a.db' }, { database: { kind: 'sqlite', path: '/srv/a.db' } }],
    [{ DATABASE_URL: 'sqlite:///srv/a.db' }, { database: { kind: 'sqlite', path: '/srv/a.db' } }],
    [{ DATABASE_URL: 'sqlite:a.db' }, { database: { kind: 'sqlite', path: resolve('a.db') } }],
    [
      {
        ...root,
        DATABASE_URL: 'postgres://a:b@db.example.com/postern?sslmode=verify-full',
        POSTERN_MASTER_KEY: base64Key,
      },
      {
        database: {
          kind: 'postgres',
          url: 'postgres://a:b@db.example.com/postern?sslmode=verify-full',
          poolSize: 10,
          timeoutMs: 3_000,
        },
      },
    ],
    [
      { POSTERN_DATABASE_TIMEOUT_MS: '500', POSTERN_MAX_STALENESS_SECONDS: '5', POSTERN_WORKERS: '4' },
      { database: { timeoutMs: 500 }, maxStalenessSeconds: 5, workers: 4 },
    ],
    [{ POSTERN_CACHED_CLIENTS: '100' }, { cachedClients: 100 }],
    [root, { root: { clientId: 'root', clientSecret: rootSecret } }],
    [{ OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '1' }, { accessTokenTtlSeconds: 60 }],
    [{ OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '525600' }, { accessTokenTtlSeconds: 31_536_000 }],
    [{ POSTERN_MASTER_KEY: base64Key }, { masterKey }],
    [{ POSTERN_MASTER_KEY: masterKey.toString('base64url') }, { masterKey }],
    [
      { POSTERN_TRUSTED_PROXIES: '10.0.0.0/8, ::1,192.168.1.1 , fd00::/8,' },
      { trustedProxies: ['10.0.0.0/8', '::1', '192.168.1.1', 'fd00::/8'] },
    ],
    [
      { POSTERN_CORS_ORIGINS: 'https://app.example.com, http://localhost:5173,' },
      { corsOrigins: ['https://app.example.com', 'http://localhost:5173'] },
    ],
    [
      { POSTERN_OUTBOUND_HOSTS: 'Login.Example.com, *.partners.example,' },
      { outboundHosts: ['login.example.com', '*.partners.example'] },
    ],
    [{ POSTERN_DELEGATION: 'held' }, { delegation: 'held' }],
    [{ POSTERN_DELEGATION: 'registry' }, { delegation: 'registry' }],
    [{ POSTERN_REGISTRATION: 'initial_access_token' }, { registration: 'initial_access_token' }],
    [{ POSTERN_METRICS_PORT: 'off' }, { metrics: 'off' }],
    [{ POSTERN_METRICS_PORT: '8080' }, { metrics: 'beside' }],
    [{ POSTERN_METRICS_PORT: '9090' }, { metrics: { host: '127.0.0.1', port: 9090 } }],
    [{ HOST: '::', POSTERN_METRICS_PORT: '9090' }, { metrics: { host: '127.0.0.1', port: 9090 } }],
    [
      { HOST: '::', POSTERN_METRICS_PORT: '9090', POSTERN_METRICS_HOST: '10.0.0.1' },
      { host: '::', metrics: { host: '10.0.0.1', port: 9090 } },
    ],
    [{ POSTERN_OTLP_ENDPOINT: 'http://localhost:4318/' }, { otlpEndpoint: 'http://localhost:4318' }],
    [{ POSTERN_LOG_LEVEL: 'silent' }, { logLevel: 'silent' }],
  ])('%j', (env, expected) => {
    expect(readConfig(env)).toMatchObject(expected);
  });

  test('secrets may come from files, without the line end there', () => {
    const OAUTH_ROOT_CLIENT_SECRET_FILE = fileOf(`${rootSecret}\n`);
    expect(readConfig({ OAUTH_ROOT_CLIENT_ID: 'root', OAUTH_ROOT_CLIENT_SECRET_FILE }).root).toEqual({
      clientId: 'root',
      clientSecret: rootSecret,
    });
    expect(readConfig({ POSTERN_MASTER_KEY_FILE: fileOf(`${base64Key}\n`) }).masterKey).toEqual(masterKey);
  });
});

test('with PostgreSQL, what nodes must share has to be given, and no password is repeated', () => {
  const DATABASE_URL = 'postgres://a:hidden@db.example.com/postern';
  expect(faultOf({ DATABASE_URL })).toMatch(/^OAUTH_ROOT_CLIENT_ID is missing: with PostgreSQL/);
  expect(faultOf({ DATABASE_URL, ...root })).toMatch(/^POSTERN_MASTER_KEY is missing: with PostgreSQL/);
  for (const wrong of ['postgres://a:hidden@/postern', 'postgres://a:hidden@db.example.com', 'postgres:hidden']) {
    expect(faultOf({ DATABASE_URL: wrong })).toMatch(/^DATABASE_URL: must name host and database/);
    expect(faultOf({ DATABASE_URL: wrong })).not.toContain('hidden');
  }
});

describe('a wrong value stops the start with one line: the variable, the fault and a right example', () => {
  test.each([
    ['POSTERN_OTLP_ENDPOINT', ['localhost:4318', 'collector', 'grpc://localhost']],
    ['POSTERN_METRICS_PORT', ['on', '0', '65536', '-1']],
    ['POSTERN_METRICS_HOST', ['a b', 'http://a']],
    [
      'POSTERN_CORS_ORIGINS',
      [
        '*',
        'null',
        ',',
        'app.example.com',
        'https://app.example.com/',
        'https://App.example.com',
        'https://a.example:443',
      ],
    ],
    [
      'POSTERN_CORS_ORIGINS',
      ['http://app.example.com', 'https://*.example.com', 'https://u@a.example', 'ftp://a.example'],
    ],
    ['POSTERN_CLIENT_METADATA_HOSTS', ['a b', 'https://a.example', '*', '*.']],
    ['POSTERN_OUTBOUND_HOSTS', ['a b', 'https://a.example', '*', '*.', 'a.*.example', 'a.example/b', 'a.example:443']],
    ['POSTERN_ALLOW_HTTP', ['1', 'yes', 'TRUE']],
    ['HOST', ['a b', '-a', 'a_b', 'http://a', '1.2.3.4/8']],
    ['PORT', ['0', '65536', '-1', '80.5', '8e3', '0x50', 'http', '99999999999999999999']],
    [
      'POSTERN_ISSUER',
      [
        'auth.example.com',
        'ftp://auth.example.com',
        'http://auth.example.com',
        'http://localhost.example.com',
        'https://auth.example.com/',
        'https://auth.example.com/a/',
        'https://auth.example.com?a=b',
        'https://auth.example.com?',
        'https://auth.example.com#a',
        'https://a:b@auth.example.com',
        'https://AUTH.example.com',
        'https://auth.example.com:443',
        'https://auth.example.com/a/../b',
        'https://auth.example.com/a"b',
        'https://auth.example.com/a:b',
        'https://auth.example.com/*',
        'https:auth.example.com',
        'https://',
      ],
    ],
    ['DATABASE_URL', ['a.db', 'mysql://a', 'sqlite:', 'sqlite://a.db', 'sqlite:a.db?mode=ro', 'file:a.db']],
    ['OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES', ['0', '-5', '1.5', '5256001', 'never', '8d', 'NaN', 'Infinity']],
    [
      'POSTERN_TRUSTED_PROXIES',
      ['localhost', '10.0.0.0/33', '10.0.0.0/', '::1/129', '10.0.0.1,x', '1/2/3', '10.0.0.0/-1'],
    ],
    ['POSTERN_REGISTRATION', ['on', 'open', 'true']],
    ['POSTERN_DELEGATION', ['all', 'Registry', 'held,registry']],
    ['POSTERN_LOG_LEVEL', ['loud', 'INFO', 'fatal']],
  ])('%s', (name, values) => {
    for (const value of values) {
      const fault = faultOf({ [name]: value });
      expect(fault).toMatch(new RegExp(`^${name}: .+ Example: ${name}=\\S`));
      expect(fault).not.toContain('\n');
    }
  });

  test.each([
    [
      'POSTERN_MASTER_KEY',
      ['x', 'a'.repeat(44), `${base64Key}!`, Buffer.alloc(31).toString('base64'), `${base64Key} ${base64Key}`],
    ],
    ['OAUTH_ROOT_CLIENT_SECRET', ['short', 'with space', 'with:colon', 'with%25', 'x'.repeat(257), 'sécret-of-root']],
  ])('%s, which is not repeated', (name, values) => {
    for (const value of values) {
      const fault = faultOf({ ...(name === 'POSTERN_MASTER_KEY' ? {} : root), [name]: value });
      expect(fault).toMatch(new RegExp(`^${name}: .+ Example: ${name}=\\S`));
      expect(fault).not.toContain(value.length > 1 ? value : undefined);
    }
  });

  test.each([
    ['fewer than 22 characters', 'h7Kq2xWm9bTzVd4mHsR6p'],
    ['one character', 'a'.repeat(64)],
    ['a repetition', 'x7Kq9pLm'.repeat(4)],
    ['a sequence', 'abcdefghijklmnopqrstuvwxyz0123456789'],
    ['digits of hex in order', '0123456789abcdef0123456789abcdef'],
    ['a placeholder', 'changeme-changeme-changeme'],
    ['the default of Fidesops', 'fidesopsadminsecret'],
    ['well-known words', 'MyVerySecretRootPassword2026'],
  ])('a weak OAUTH_ROOT_CLIENT_SECRET: %s', (_kind, secret) => {
    expect(faultOf({ ...root, OAUTH_ROOT_CLIENT_SECRET: secret })).toMatch(
      /^OAUTH_ROOT_CLIENT_SECRET: (has only \d+ characters, and needs at least 22 random ones|is easy to guess: .+)\. Example: .+openssl rand/,
    );
  });

  test('a weak OAUTH_ROOT_CLIENT_SECRET: the id of root, which is public', () => {
    const text = 'h7Kq2xWm9bTzVd4mHsR6pLy8';
    expect(faultOf({ OAUTH_ROOT_CLIENT_ID: text, OAUTH_ROOT_CLIENT_SECRET: text })).toMatch(
      /^OAUTH_ROOT_CLIENT_SECRET: is easy to guess: it is OAUTH_ROOT_CLIENT_ID\. Example: /,
    );
  });

  test.each([
    ['zeros', Buffer.alloc(32)],
    ['one byte', Buffer.alloc(32, 7)],
    ['a sequence', Buffer.from(Array.from({ length: 32 }, (_, byte) => byte))],
    ['a word', Buffer.alloc(32, 'changeme')],
    ['hex in order', Buffer.from('0123456789abcdef0123456789abcdef')],
    ['text', Buffer.from('our tr0ub4dor&3 horse! 9 battery')],
  ])('a weak POSTERN_MASTER_KEY: %s', (_kind, bytes) => {
    expect(faultOf({ POSTERN_MASTER_KEY: bytes.toString('base64') })).toMatch(
      /^POSTERN_MASTER_KEY: is easy to guess: .+\. Example: .+openssl rand -base64 32/,
    );
  });

  test('random secrets and keys of every usual form are accepted', () => {
    for (let round = 0; round < 1_000; round += 1) {
      for (const [bytes, encoding] of [
        [16, 'hex'],
        [32, 'hex'],
        [16, 'base64url'],
        [32, 'base64url'],
      ] as const) {
        const secret = randomBytes(bytes).toString(encoding);
        expect(readConfig({ ...root, OAUTH_ROOT_CLIENT_SECRET: secret }).root?.clientSecret).toBe(secret);
      }
      readConfig({ POSTERN_MASTER_KEY: randomBytes(32).toString('base64') });
    }
  });

  test('OAUTH_ROOT_CLIENT_ID', () => {
    for (const OAUTH_ROOT_CLIENT_ID of ['a b', 'a:b', 'é', 'x'.repeat(129), 'a"b']) {
      expect(faultOf({ ...root, OAUTH_ROOT_CLIENT_ID })).toMatch(
        /^OAUTH_ROOT_CLIENT_ID: .+ Example: OAUTH_ROOT_CLIENT_ID=\S/,
      );
    }
  });

  test('a database URL with a password does not repeat it', () => {
    expect(faultOf({ DATABASE_URL: 'mysql://postern:hunter2@db/postern' })).not.toContain('hunter2');
  });

  test('root id and secret come together', () => {
    expect(faultOf({ OAUTH_ROOT_CLIENT_ID: 'root' })).toMatch(
      /^OAUTH_ROOT_CLIENT_SECRET is missing: .+ Example: OAUTH_ROOT_CLIENT_SECRET=\S/,
    );
    expect(faultOf({ OAUTH_ROOT_CLIENT_SECRET: rootSecret })).toMatch(
      /^OAUTH_ROOT_CLIENT_ID is missing: .+ Example: OAUTH_ROOT_CLIENT_ID=\S/,
    );
  });

  test.each(['OAUTH_ROOT_CLIENT_SECRET', 'POSTERN_MASTER_KEY'])('%s and its file are not both taken', (name) => {
    expect(faultOf({ ...root, [name]: base64Key, [`${name}_FILE`]: fileOf(base64Key) })).toMatch(
      new RegExp(`^${name} and ${name}_FILE are both set: keep one of them. Example: ${name}_FILE=\\S`),
    );
  });

  test.each(['OAUTH_ROOT_CLIENT_SECRET', 'POSTERN_MASTER_KEY'])('the file of %s must be there', (name) => {
    const path = join(directory, 'nothing');
    const env = { OAUTH_ROOT_CLIENT_ID: 'root', [`${name}_FILE`]: path };
    expect(faultOf(name === 'POSTERN_MASTER_KEY' ? { ...root, ...env } : env)).toMatch(
      new RegExp(`^${name}_FILE: cannot read ${path} \\(ENOENT\\). Example: ${name}_FILE=\\S`),
    );
  });

  test.each(['OAUTH_ROOT_CLIENT_SECRET', 'POSTERN_MASTER_KEY'])('the file of %s must not be empty', (name) => {
    const env = { OAUTH_ROOT_CLIENT_ID: 'root', [`${name}_FILE`]: fileOf('\n') };
    expect(faultOf(name === 'POSTERN_MASTER_KEY' ? { ...root, ...env } : env)).toMatch(new RegExp(`^${name}: `));
  });
});

test('the help lists every variable that is read, with its default', () => {
  const asked = new Set<string>();
  readConfig(new Proxy({}, { get: (_, name) => void asked.add(String(name)) }));
  const listed = configVariables.map(({ name }) => name);
  // A variable and the file that holds it instead are one entry.
  const instead = [...asked].filter((name) => name.endsWith('_FILE') && asked.has(name.replace(/_FILE$/, '')));
  expect([...asked].filter((name) => !instead.includes(name)).toSorted()).toEqual(listed.toSorted());
  for (const name of instead) {
    expect(configVariables.some(({ meaning }) => meaning.includes(name))).toBe(true);
  }
});
