/** PostgreSQL as people run it: fail-over, rotated passwords, silent hosts, poolers, sockets, schemas, few connections. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInstallation, readConfig, StartError } from '@postern/server';
import { freePort } from '@postern/testing/free-port';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { startTransactionPooler } from '@postern/testing/transaction-pooler';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';

const patience = { timeout: 30_000, interval: 20 };
const clientPath = '/api/v1/oauth/client';

// The other project has the same file, and would do the same again.
describe.runIf(inject('postgres') !== undefined)('PostgreSQL', () => {
  let directory: string;
  let postgres: OwnPostgres;
  let silent: Server;
  const servers: TestServer[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'postern-postgres-test-'));
    postgres = await startOwnPostgres();
    // It accepts connections and never says a word.
    silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  afterAll(async () => {
    silent.close();
    await postgres.stop();
    rmSync(directory, { recursive: true });
  });

  const silentPort = () => (silent.address() as AddressInfo).port;

  async function administer(...statements: readonly string[]): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(postgres.url);
    await client.connect();
    try {
      const rows = [];
      for (const statement of statements) {
        rows.push(...(await client.query(statement)).rows);
      }
      return rows;
    } finally {
      await client.end();
    }
  }

  let databases = 0;
  /** A new database with an owner of its own, as a URL. */
  async function createDatabase(): Promise<URL> {
    databases += 1;
    const name = `postern${databases}`;
    await administer(`create role ${name} login password 'first-password'`, `create database ${name} owner ${name}`);
    return Object.assign(new URL(postgres.url), { username: name, password: 'first-password', pathname: name });
  }

  const environment = (url: string | URL, env: Record<string, string> = {}) => ({
    DATABASE_URL: String(url),
    POSTERN_MASTER_KEY: hash('sha256', 'master key', 'base64'),
    OAUTH_ROOT_CLIENT_ID: 'root',
    OAUTH_ROOT_CLIENT_SECRET: hash('sha256', 'root'),
    POSTERN_DATABASE_TIMEOUT_MS: '1000',
    ...env,
  });

  async function start(url: string | URL, env: Record<string, string> = {}): Promise<TestServer> {
    const server = await startTestServer({ env: environment(url, env) });
    servers.push(server);
    return server;
  }

  async function tryCreate(server: TestServer, token: string) {
    return server.call('POST', clientPath, { token, body: { scopes: [] } });
  }

  /** What `ready` says after the next attempt to write. */
  async function writability(server: TestServer) {
    await server.advance(5);
    const { status, body } = await server.call('GET', '/health/ready');
    expect(status).toBe(200);
    return body;
  }

  /** The one line that a start with this URL stops with. */
  async function startFault(url: string | URL): Promise<string> {
    const config = readConfig({ ...environment(url), POSTERN_DATA_DIR: directory });
    const fault = await openInstallation(config).then(
      () => expect.unreachable('it starts'),
      (error: unknown) => error,
    );
    expect(fault).toBeInstanceOf(StartError);
    const { message } = fault as StartError;
    expect(message).not.toMatch(/\n|sqlite|first-password/);
    return message;
  }

  test('a server that was a standby when Postern connected is used as soon as it is promoted, without a restart', async () => {
    const server = await start(await createDatabase());
    const token = await server.rootToken();
    await postgres.restart({ asStandby: true });
    const refused = await tryCreate(server, token);
    expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(refused.body.detail).toContain('the server is a standby');
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await writability(server)).toMatchObject({ writable: false, reason: 'standby', status: 'degraded' });
    await administer('select pg_promote()');
    await vi.waitFor(async () => expect((await tryCreate(server, token)).status).toBe(200), patience);
    expect(await writability(server)).toMatchObject({ writable: true, status: 'ok' });
  });

  test('a connection on which transactions are read-only is dropped, and the next one writes', async () => {
    const url = await createDatabase();
    const server = await start(url, { POSTERN_DATABASE_POOL_SIZE: '1' });
    const token = await server.rootToken();
    await administer(
      `alter role ${url.username} set default_transaction_read_only = on`,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${url.username}'`,
    );
    await vi.waitFor(async () => {
      const { status, body } = await tryCreate(server, token);
      expect([status, body.detail]).toEqual([503, expect.stringContaining('the database is read-only')]);
    }, patience);
    expect(await writability(server)).toMatchObject({ writable: false, reason: 'read_only' });
    // Tokens can still be issued and verified by what is in the database.
    expect((await server.call('GET', '/api/v1/oauth/scope', { token })).status).toBe(200);
    await administer(`alter role ${url.username} reset default_transaction_read_only`);
    await tryCreate(server, token);
    expect((await tryCreate(server, token)).status).toBe(200);
  });

  test('a role without the privilege to write is not ready to change anything, and says so', async () => {
    const url = await createDatabase();
    const server = await start(url);
    const asAdministrator = new pg.Client(Object.assign(new URL(postgres.url), { pathname: url.pathname }).href);
    await asAdministrator.connect();
    await asAdministrator.query(`revoke insert, update, delete on all tables in schema public from ${url.username}`);
    expect(await writability(server)).toMatchObject({ status: 'degraded', writable: false, reason: 'no_privileges' });
    expect((await server.call('GET', '/metrics')).body).toContain('postern_database_writable 0');
    await asAdministrator.query(`grant insert, update, delete on all tables in schema public to ${url.username}`);
    await asAdministrator.end();
    expect(await writability(server)).toMatchObject({ status: 'ok', writable: true });
  });

  test('a rotated password is 503 with its reason, and the file of the URL is read again', async () => {
    const url = await createDatabase();
    const file = join(directory, 'url');
    writeFileSync(file, `${url}\n`);
    const server = await start('', { DATABASE_URL_FILE: file });
    const token = await server.rootToken();
    await administer(
      `alter role ${url.username} password 'second-password'`,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${url.username}'`,
    );
    await vi.waitFor(async () => {
      const { status, body } = await tryCreate(server, token);
      expect([status, body.detail]).toEqual([503, expect.stringContaining('rejected the user name or the password')]);
    }, patience);
    expect(server.log.join()).not.toContain('first-password');
    writeFileSync(file, String(Object.assign(url, { password: 'second-password' })));
    expect((await tryCreate(server, token)).body.detail).toBeUndefined();
  });

  test('with several hosts, one that does not answer and one that is closed are passed over', async () => {
    const url = await createDatabase();
    const hosts = `127.0.0.1:${silentPort()},127.0.0.1:${await freePort()},127.0.0.1:${url.port}`;
    for (const several of [
      String(url).replace(url.host, hosts),
      `${url.protocol}//${url.username}:${url.password}@/${url.username}?host=127.0.0.1,127.0.0.1&port=${silentPort()},${url.port}`,
    ]) {
      const server = await start(`${several}${several.includes('?') ? '&' : '?'}target_session_attrs=read-write`);
      expect((await tryCreate(server, await server.rootToken())).status).toBe(200);
    }
  });

  test('a Unix socket', async () => {
    const url = await createDatabase();
    const socket = encodeURIComponent(postgres.socketDir);
    const user = `${url.username}:${url.password}`;
    for (const form of [
      `postgresql://${user}@/${url.username}?host=${socket}&port=${url.port}`,
      `postgres://${user}@${socket}:${url.port}/${url.username}?sslmode=require`,
    ]) {
      const server = await start(form);
      expect((await tryCreate(server, await server.rootToken())).status).toBe(200);
    }
  });

  test('a pooler in transaction mode: nodes work through it, hear of changes, and leave nothing in its sessions', async () => {
    const url = await createDatabase();
    const pooler = await startTransactionPooler(String(url), 6);
    try {
      const env = { POSTERN_DATABASE_POOL_SIZE: '3', POSTERN_DATABASE_TIMEOUT_MS: '20000' };
      const [one, other] = [await start(pooler.url, env), await start(pooler.url, env)];
      const token = await one.rootToken();
      const created = await Promise.all(Array.from({ length: 8 }, () => one.createClient({ scopes: ['scope:read'] })));
      const batch = await one.call('POST', '/api/v1/batch', {
        token,
        body: { operations: [{ operation: 'clients.create', body: { scopes: [] } }] },
      });
      expect(batch.status).toBeLessThan(500);
      const victim = created[0] as (typeof created)[number];
      const victims = await other.token(victim);
      await one.call('DELETE', `${clientPath}/${victim.clientId}`, { token });
      await other.advance(1);
      expect((await other.call('GET', '/api/v1/oauth/scope', { token: victims })).status).toBe(401);
      expect(pooler.faults).toEqual([]);
      const left = await pooler.askSessions(
        `select current_setting('statement_timeout') as timeout, (select count(*)::int from pg_listening_channels()) as channels,
          (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks`,
      );
      expect(left).toEqual(left.map(() => ({ timeout: '0', channels: 0, locks: 0 })));
    } finally {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      await pooler.close();
    }
  });

  test('a pooler that refuses a parameter of the start says which setting of the role to use instead', async () => {
    const url = await createDatabase();
    const pooler = await startTransactionPooler(String(url), 1);
    try {
      expect(await startFault(`${pooler.url}?options=-c%20search_path%3Dauth`)).toMatch(
        /unsupported startup parameter: options.*alter role/,
      );
    } finally {
      await pooler.close();
    }
  });

  test('several Posterns in one database, each in a schema of its own, do not see or hold up each other', async () => {
    const url = await createDatabase();
    const owner = new pg.Client(String(url));
    await owner.connect();
    await owner.query('create schema first; create schema second');
    const inSchema = (name: string) => `${url}?options=-c%20search_path%3D${name}`;
    const [first, second, third] = [
      await start(inSchema('first')),
      await start(inSchema('second,public')),
      await start(url),
    ];
    const token = await first.rootToken();
    // As the first one would during a long change.
    await owner.query(
      `begin; select pg_advisory_xact_lock((1347375956::bigint << 32) | 'first.event_head'::regclass::oid::bigint)`,
    );
    expect((await tryCreate(first, token)).status).toBe(503);
    for (const other of [second, third]) {
      expect((await tryCreate(other, await other.rootToken())).status).toBe(200);
      expect(await other.rows('clients')).toHaveLength(1);
    }
    await owner.query('rollback');
    expect(await first.rows('clients')).toHaveLength(0);
    await owner.end();
  });

  test('if the server has fewer connections than the pool, requests wait and none fails', async () => {
    const url = await createDatabase();
    await administer(`alter role ${url.username} connection limit 4`);
    const server = await start(url, { POSTERN_DATABASE_TIMEOUT_MS: '20000', POSTERN_DATABASE_POOL_SIZE: '20' });
    const token = await server.rootToken();
    const answers = await Promise.all(Array.from({ length: 80 }, () => tryCreate(server, token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  test('if all connections are taken by others, a request waits for one, and then says why there is none', async () => {
    const url = await createDatabase();
    const server = await start(url);
    const token = await server.rootToken();
    await administer(
      `alter role ${url.username} connection limit 0`,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${url.username}'`,
    );
    await vi.waitFor(async () => {
      const { status, body } = await tryCreate(server, token);
      expect([status, body.detail]).toEqual([503, expect.stringContaining('it has no connection left')]);
    }, patience);
    const waiting = tryCreate(server, token);
    await administer(`alter role ${url.username} connection limit 10`);
    expect((await waiting).status).toBe(200);
  });

  test('what stops a start is one line that says what is wrong and what to do', async () => {
    const url = await createDatabase();
    const changed = (change: Partial<URL>) => Object.assign(new URL(url), change);
    expect(await startFault(changed({ password: 'wrong' }))).toMatch(
      /rejected the user name or the password \(password auth.*\)\. Put the present password/,
    );
    expect(await startFault(changed({ pathname: 'missing' }))).toMatch(/does not exist.*create database/);
    expect(await startFault(changed({ port: String(await freePort()) }))).toMatch(
      /cannot be reached.*Check host, port/,
    );
    expect(await startFault(changed({ hostname: 'no-such-host.invalid' }))).toMatch(
      /cannot be reached \(.*no-such-host/,
    );
    expect(await startFault(changed({ port: String(silentPort()) }))).toMatch(
      /cannot be reached \(no answer within 1000 ms\)/,
    );
    expect(await startFault(`${url}?sslmode=require`)).toMatch(/does not support SSL.*sslmode/);
    expect(await startFault(`${url}?options=-c%20search_path%3Dnone`)).toMatch(/no schema.*create schema/);
    expect(await startFault(`postgres://a@/b?host=${encodeURIComponent(directory)}`)).toMatch(
      /cannot be reached.*ENOENT/,
    );
    await administer(
      `alter database ${url.username} owner to postgres`,
      `create role reader login password 'first-password'`,
    );
    expect(await startFault(changed({ username: 'reader' }))).toMatch(
      /lacks a privilege \(permission denied for schema public\).*owner/,
    );
    await administer(`alter role ${url.username} connection limit 0`);
    expect(await startFault(url)).toMatch(/no connection left.*POSTERN_DATABASE_POOL_SIZE/);
    await administer(
      `alter role ${url.username} connection limit 9`,
      `alter role ${url.username} set default_transaction_read_only = on`,
    );
    expect(await startFault(url)).toMatch(/lacks a privilege|read-only/);
  });
});
