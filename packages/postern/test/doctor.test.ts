/** `postern doctor`: a healthy deployment, and each finding about an unhealthy one. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { policyMigrations } from '@postern/policy-api';
import { createAuthority, createIdentity, createRevocationList, tlsFetch } from '@postern/testing/certificates';
import { freePort } from '@postern/testing/free-port';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Exit, makeTemporaryDirectory, removeDirectory, run } from './harness.ts';
import { type SignedIn, signIn } from './signed-in.ts';

interface Finding {
  about: string;
  severity: string;
  text: string;
  next?: string;
}

let server: TestServer;
let nobody: SignedIn;
let directory: string;

beforeAll(async () => {
  server = await startTestServer({ env: { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '60' } });
  nobody = await signIn(server.url);
  directory = makeTemporaryDirectory();
});
afterAll(async () => {
  nobody.forget();
  removeDirectory(directory);
  await server.close();
});

/** Returns the findings by their subject, and requires that the exit code matches them. */
function read({ code, stdout, stderr }: Exit): Record<string, Finding> {
  expect(stderr).toBe('');
  const { result, findings } = JSON.parse(stdout) as { result: string; findings: Finding[] };
  expect(code).toBe(result === 'fail' ? 1 : 0);
  expect(findings.every(({ severity, next }) => severity === 'ok' || (next ?? '').length > 0)).toBe(true);
  return Object.fromEntries(findings.map((finding) => [finding.about, finding]));
}

const severities = (found: Record<string, Finding>, wanted: string) =>
  Object.values(found).flatMap(({ about, severity }) => (severity === wanted ? [about] : []));

const look = async (url: string) => read(await nobody.run('doctor', '--server', url, '--json'));

describe('from outside', () => {
  test('a server on this machine: the only finding is plain http', async () => {
    const found = await look(server.url);
    expect(severities(found, 'fail')).toEqual([]);
    expect(severities(found, 'warn')).toEqual(['tls']);
    expect(Object.keys(found)).toEqual(['reachable', 'database', 'issuer', 'keys', 'clock', 'tls', 'proxy']);
  });

  test('a database that has lost changes', async () => {
    const restored = await startTestServer();
    try {
      const [last] = await restored.db.selectFrom('events').selectAll().orderBy('sequence', 'desc').limit(1).execute();
      await restored.createClient({});
      await restored.db
        .deleteFrom('events')
        .where('sequence', '>', last?.sequence ?? 0)
        .execute();
      await restored.db
        .updateTable('event_head')
        .set({ sequence: last?.sequence ?? 0, hash: last?.hash ?? '' })
        .execute();
      await restored.advance(0);
      await restored.advance(0);
      const found = await look(restored.url);
      expect(found['history']).toMatchObject({ severity: 'warn', text: expect.stringContaining('has lost changes') });
    } finally {
      await restored.close();
    }
  });

  test('the text for people has what to do below each finding', async () => {
    const { code, stdout } = await nobody.run('doctor', '--server', server.url);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^The deployment works, but is not fit for production\.\n\n {2}ok {4}reachable /);
    expect(stdout).toMatch(/WARN {2}tls +The server uses plain http.*\n +Before other machines call it/);
  });

  test('signed in: the lifetime of tokens and the age of keys', async () => {
    const root = await signIn(server.url, server.root);
    const found = read(await root.run('doctor', '--json'));
    root.forget();
    expect([found['lifetime']?.severity, found['key age']?.severity]).toEqual(['ok', 'ok']);
    expect(found['secrets']).toMatchObject({
      severity: 'ok',
      text: expect.stringMatching(/^\d+ % of the tokens of the last 7 days were issued by a shared secret\./),
    });
  });

  test('a proxy that forwards without being trusted', async () => {
    const proxy = createServer((incoming, outgoing) => {
      const headers = { ...incoming.headers, 'x-forwarded-for': '198.51.100.1' };
      const forwarded = request(`${server.url}${incoming.url}`, { method: incoming.method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(forwarded);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const found = await look(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    expect(found['proxies']).toMatchObject({ severity: 'fail', text: expect.stringContaining('does not name it') });
    await new Promise((resolve) => proxy.close(resolve));
  });

  test('no server', async () => {
    const found = await look(`http://127.0.0.1:${await freePort()}`);
    expect(found['reachable']).toMatchObject({
      severity: 'fail',
      text: expect.stringContaining('nothing is listening there'),
    });
  });

  test('an unreachable database', async () => {
    const broken = await startTestServer({ env: { POSTERN_MAX_STALENESS_SECONDS: '1' } });
    try {
      await broken.db.destroy();
      await broken.advance(60);
      expect((await look(broken.url))['database']?.severity).toBe('fail');
    } finally {
      await broken.close().catch(() => undefined);
    }
  });

  test('an issuer URL where no server answers', async () => {
    const other = await startTestServer({ env: { POSTERN_ISSUER: `http://127.0.0.1:${await freePort()}` } });
    try {
      expect((await look(other.url))['issuer']).toMatchObject({
        severity: 'fail',
        next: expect.stringContaining('POSTERN_ISSUER'),
      });
    } finally {
      await other.close();
    }
  });

  describe('behind a proxy that', () => {
    test.each<[string, string, (message: IncomingMessage) => void, (response: ServerResponse) => void]>([
      ['removes Authorization', 'proxy', (message) => void delete message.headers.authorization, () => undefined],
      ['removes challenges', 'proxy', () => undefined, (response) => response.removeHeader('www-authenticate')],
      [
        'sets a wrong Date',
        'clock',
        () => undefined,
        (response) => response.setHeader('date', 'Sat, 01 Jan 2022 00:00:00 GMT'),
      ],
      [
        'forwards only /api and /health',
        'keys',
        (message) => {
          message.url = message.url?.replace(/^\/\.well-known.*/, '/elsewhere');
        },
        () => undefined,
      ],
    ])('%s', async (_, about, spoil, spoilAnswer) => {
      const proxy = await startProxy(server.url, spoil, spoilAnswer);
      try {
        const found = await look(proxy.url);
        expect(found[about]?.severity).toBe('fail');
        expect(severities(await look(server.url), 'fail')).toEqual([]);
      } finally {
        proxy.close();
      }
    });

    test('is another service', async () => {
      const other = createServer((_request, response) => void response.end('<html>')).listen(0, '127.0.0.1');
      await new Promise((done) => other.once('listening', done));
      const found = await look(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
      other.close();
      expect(severities(found, 'fail')).toEqual(['reachable']);
    });
  });

  test('TLS: a valid certificate, one that expires soon, and one of an unknown authority', async () => {
    const authority = await createAuthority('doctor');
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, authority.cert);
    for (const [days, severity] of [
      [90, 'ok'],
      [3, 'warn'],
    ] as const) {
      const identity = await createIdentity({
        subject: [{ CN: ['postern'] }],
        issuer: authority,
        forServers: true,
        san: [{ type: 'ip', value: '127.0.0.1' }],
        notAfter: Date.now() + days * 86_400_000,
      });
      const files = { cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
      writeFileSync(files.cert, identity.cert);
      writeFileSync(files.key, identity.key);
      const secure = await startTestServer({
        env: { POSTERN_TLS_CERT_FILE: files.cert, POSTERN_TLS_KEY_FILE: files.key },
        fetch: tlsFetch(authority),
      });
      const args = ['doctor', '--server', secure.url, '--json'];
      const trusting = read(await run(args, { HOME: nobody.home, NODE_EXTRA_CA_CERTS: ca }));
      const doubting = read(await run(args, { HOME: nobody.home }));
      await secure.close();
      expect(trusting['tls']).toMatchObject({ severity, text: expect.stringContaining(`${days - 1} days`) });
      expect(doubting['reachable']).toMatchObject({
        severity: 'fail',
        text: expect.stringContaining('POSTERN_CA_FILE'),
      });
    }
  });
});

/** A proxy that changes what it forwards. */
async function startProxy(
  target: string,
  spoil: (message: IncomingMessage) => void,
  spoilAnswer: (response: ServerResponse) => void,
) {
  const proxy = createServer((message, response) => {
    spoil(message);
    const { method, headers, url } = message;
    const passed = request(target + url, { method, headers }, (answer) => {
      for (const [name, value = ''] of Object.entries(answer.headers)) {
        response.setHeader(name, value);
      }
      response.statusCode = answer.statusCode ?? 502;
      spoilAnswer(response);
      answer.pipe(response);
    });
    message.pipe(passed);
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close() {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}

describe('--local', () => {
  let places = 0;
  /** Runs it with these variables, in its own data directory unless they name one. */
  async function check(env: Record<string, string>): Promise<Record<string, Finding>> {
    places += 1;
    const dataDir = join(directory, `local-${places}`);
    const file = join(directory, `local-${places}.env`);
    const lines = Object.entries({ POSTERN_DATA_DIR: dataDir, ...env }).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(''));
    return read(await nobody.run('doctor', '--local', '--env-file', file, '--json'));
  }

  const production = {
    POSTERN_ISSUER: 'https://auth.example.com',
    POSTERN_TRUSTED_PROXIES: '10.0.0.1/32',
    OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '60',
  };

  test('a production server: no findings', async () => {
    const masterKey = join(directory, 'master.key');
    writeFileSync(masterKey, randomBytes(32).toString('base64'));
    const found = await check({ ...production, POSTERN_MASTER_KEY_FILE: masterKey });
    expect([severities(found, 'fail'), severities(found, 'warn')]).toEqual([[], []]);
  });

  test('the defaults: warnings about production, and no failure', async () => {
    const found = await check({});
    expect(severities(found, 'fail')).toEqual([]);
    expect(severities(found, 'warn')).toEqual(['issuer', 'master key', 'lifetime']);
    expect(found['lifetime']?.text).toContain('8 days');
  });

  test.each<[string, string, string, Record<string, string>]>([
    ['configuration', 'fail', 'PORT', { PORT: 'eighty' }],
    ['issuer', 'fail', 'listens for others', { POSTERN_ISSUER: '', HOST: '0.0.0.0' }],
    ['proxies', 'fail', 'does not name', { POSTERN_TRUSTED_PROXIES: '' }],
    ['proxies', 'fail', 'every caller', { POSTERN_TRUSTED_PROXIES: '0.0.0.0/0' }],
    ['configuration', 'fail', '8 characters', { OAUTH_ROOT_CLIENT_ID: 'root', OAUTH_ROOT_CLIENT_SECRET: 'abcdefgh' }],
    [
      'root',
      'warn',
      'in the environment',
      { OAUTH_ROOT_CLIENT_ID: 'root', OAUTH_ROOT_CLIENT_SECRET: randomBytes(32).toString('hex') },
    ],
    ['master key', 'warn', 'in the environment', { POSTERN_MASTER_KEY: randomBytes(32).toString('base64') }],
    ['lifetime', 'warn', '8 days', { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '' }],
    ['key rotation', 'warn', 'not rotated automatically', { POSTERN_KEY_ROTATION_DAYS: '0' }],
    ['certificates', 'fail', 'no certificate is verified', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
    [
      'database',
      'warn',
      'sslmode',
      {
        DATABASE_URL: 'postgres://postern:secret-password@db.example.com/postern',
        OAUTH_ROOT_CLIENT_ID: 'root',
        OAUTH_ROOT_CLIENT_SECRET: randomBytes(32).toString('hex'),
        POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
      },
    ],
  ])('%s: %s, for %s', async (about, severity, words, env) => {
    const found = await check({ ...production, ...env });
    expect(found[about]).toMatchObject({ severity });
    expect(`${found[about]?.text} ${found[about]?.next}`).toContain(words);
    expect(JSON.stringify(found)).not.toContain('secret-password');
  });

  test.each<[string, string, number, number]>([
    ['ok', '3 hours old and expires in 7 hours', 3, 7],
    ['warn', '9 hours old and expires in 1 hour', 9, 1],
    ['fail', '9 hours old and has expired', 9, -1],
  ])('a revocation list: %s, for one that is %s', async (severity, words, age, left) => {
    const hours = (count: number) => Date.now() + count * 3_600_000 + 60_000;
    const authority = await createAuthority('Clients');
    const { cert, key } = await createIdentity({ subject: [{ CN: ['auth.example.com'] }], issuer: authority });
    const crl = await createRevocationList(authority, { thisUpdate: hours(-age) - 120_000, nextUpdate: hours(left) });
    const place = mkdtempSync(join(directory, 'lists-'));
    const files = Object.entries({ CERT: cert, KEY: key, CLIENT_CA: authority.cert, CLIENT_CRL: crl });
    const env = files.map(([name, content]) => {
      writeFileSync(join(place, name), content, { mode: 0o600 });
      return [`POSTERN_TLS_${name}_FILE`, join(place, name)];
    });
    const found = await check({ ...production, ...Object.fromEntries(env) });
    expect(found['revocation list']).toMatchObject({ severity, text: expect.stringContaining(words) });
  });

  test('files that other users can read, and a damaged database', async () => {
    const dataDir = join(directory, 'damaged');
    mkdirSync(dataDir, { mode: 0o700 });
    const database = join(dataDir, 'postern.db');
    new DatabaseSync(database).exec('create table clients (id text); insert into clients values (1)');
    writeFileSync(database, readFileSync(database).fill(0xff, 4_096));
    writeFileSync(join(dataDir, 'master.key'), randomBytes(32).toString('base64'));
    chmodSync(join(dataDir, 'master.key'), 0o644);
    const found = await check({ ...production, POSTERN_DATA_DIR: dataDir });
    expect(found['files']).toMatchObject({ severity: 'fail', text: expect.stringContaining('master.key') });
    expect(found['database content']?.severity).toBe('fail');
  });

  test('secrets from another server that wait for their first use', async () => {
    const url = `sqlite:${join(directory, 'moved.db')}`;
    const hosted = { migrations: policyMigrations, apis: async () => {} };
    const moved = await startTestServer({ env: { DATABASE_URL: url }, hosted });
    try {
      const token = await moved.rootToken();
      const body = { client_secret_digest: '$pbkdf2-sha256$i=1000,l=16$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA' };
      expect((await moved.call('POST', '/api/v1/oauth/client', { token, body })).status).toBe(200);
      const found = await check({ ...production, DATABASE_URL: url, POSTERN_DATA_DIR: moved.dataDir });
      expect(found['database content']).toMatchObject({
        severity: 'ok',
        text: expect.stringContaining('Secrets from another server that wait for their first use: 1.'),
      });
    } finally {
      await moved.close();
    }
  });

  test('--local also checks a running server from outside if one is named', async () => {
    const found = read(await nobody.run('doctor', '--local', '--server', server.url, '--json'));
    expect(Object.keys(found)).toEqual(expect.arrayContaining(['configuration', 'reachable']));
  });
});
