/**
 * `postern import`: from a PostgreSQL with the tables of Fides, Ory Hydra and Keycloak, from HTTP servers that answer as their APIs and
 * that of Auth0 do, and from exports. Tests get tokens with the credentials that the clients had there.
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  acquireToken,
  makeTemporaryDirectory,
  removeDirectory,
  rootCredentials,
  run,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { runInProcess } from './in-process.ts';
import { type SignedIn, signIn } from './signed-in.ts';

let directory: string;
let server: ServeProcess;
let root: SignedIn;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  server = await startServe(directory);
  root = await signIn(server.url, rootCredentials(server.dataDir));
});
afterAll(async () => {
  root.forget();
  await server.stop();
  removeDirectory(directory);
});

const secretsFile = () => join(directory, `secrets-${Math.random().toString(36).slice(2)}.json`);
const hex = (digit: string) => digit.repeat(32);

/** Computed by the functions of Fides, in Python: bcrypt in hex, and in earlier versions SHA-512 of the secret and the salt. */
const ofBcrypt = {
  secret: '5f0c1d9e8b7a46352413f2e1d0c9b8a7',
  salt: '$2b$04$AlwJjM9bA9fiuFOmTRez6.',
  hashed:
    '24326224303424416c774a6a4d39624139666975464f6d5452657a362e414a5a393247444a782e733835746c5a39716a386561514f326648365a7065',
};
const ofSha512 = {
  secret: 'a7b8c9d0e1f2031425364758697a8b9c',
  salt: '$2b$04$W91FLI1.i2w7pn7LKKeIWe',
  hashed:
    '492b7789f3dc8f1937abe8b94f2a2b61a48004cdb73ce8b46ea007cd08be76ea' +
    '879e269c304742fdb819b331f87c63869d29c11490b02659e80878145b097758',
};
const getToken = (clientId: string, clientSecret: string) => acquireToken(server.url, { clientId, clientSecret });
const clientIds = async (): Promise<string[]> =>
  (await root.json('client', 'list', '--all')).map(({ client_id }: { client_id: string }) => client_id);

/** Deletes what a test has imported. */
afterEach(async () => {
  for (const id of await clientIds()) {
    await root.run('client', 'delete', id, '--yes');
  }
});

/** The commands of the manual that import, with this address instead of the printed one. */
const manualLines = (address: string, real: string) =>
  readFileSync(new URL('../../../docs/move-from-fidesops.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('postern import fides') && line.includes(address))
    .map((line) => line.replace(address, real).split(' ').slice(1));

describe('from a database', () => {
  let postgres: OwnPostgres;
  let database: pg.Client;
  let url: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    postgres = await startOwnPostgres();
    database = new pg.Client({ connectionString: postgres.url });
    await database.connect();
    const parsed = new URL(postgres.url);
    const { password } = parsed;
    parsed.password = '';
    url = parsed.href;
    env = { HOME: root.home, XDG_CONFIG_HOME: join(root.home, 'config'), PGPASSWORD: password };
  });
  afterAll(async () => {
    await database.end();
    await postgres.stop();
  });
  afterEach(() => database.query('drop schema public cascade; create schema public'));

  const importFrom = (source: string, ...args: string[]) =>
    runInProcess(['import', source, '--database-url', url, ...args], env);
  const importAs = (...args: string[]) => importFrom('fides', ...args);

  async function createFidesTable(): Promise<void> {
    await database.query(`
      create table client (
        id varchar(255) primary key,
        created_at timestamptz default now(), updated_at timestamptz default now(),
        hashed_secret varchar not null, salt varchar not null,
        scopes varchar[] not null default '{}', roles varchar[] not null default '{}',
        systems varchar[] not null default '{}', connections varchar[] not null default '{}',
        name varchar, description varchar, fides_key varchar unique, user_id varchar unique
      )`);
    const insert = (id: string, scopes: string[], more: Record<string, unknown> = {}) =>
      database.query(
        `insert into client (id, hashed_secret, salt, scopes, roles, name, fides_key, user_id, created_at)
         values ($1, $8, $9, $2, $3, $4, $5, $6, now() + ($7 || ' seconds')::interval)`,
        [
          ...[id, scopes, more['roles'] ?? [], more['name'], more['fides_key'], more['user_id'], more['after'] ?? 0],
          ...[more['hashed'] ?? ofBcrypt.hashed, more['salt'] ?? ofBcrypt.salt],
        ],
      );
    await insert(hex('a'), ['policy:read', 'rule:read'], { name: 'Reports' });
    await insert(hex('b'), ['policy:read', 'system:read', 'messaging:read'], {
      roles: ['viewer'],
      after: 1,
      ...ofSha512,
    });
    await insert('fidesadmin_2', ['client:create'], { after: 2, hashed: 'unknown' });
    await insert(hex('c'), ['policy:read'], { user_id: 'fid_1', after: 3 });
    await insert(hex('d'), ['policy:read'], { fides_key: 'admin_ui_root', after: 4 });
    await insert('with space', ['policy:read'], { after: 5 });
  }

  test('Fides: keeps ids, scopes and secrets, and reports what is not imported', async () => {
    await createFidesTable();
    const out = secretsFile();
    const { code, stdout, stderr } = await importAs('--secrets-out', out, '--yes');
    expect([code, stderr]).toEqual([0, expect.stringContaining('Done.')]);
    expect(stdout).toMatch(new RegExp(`^${hex('a')} +Reports +2 +0 +0 +- +kept$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${hex('b')} +- +1 +2 +0 +viewer +kept$`, 'm'));
    expect(stdout).toMatch(/^fidesadmin_2 .+ new: its digest has an unknown format$/m);
    expect(stdout).toMatch(new RegExp(`^${hex('c')} +it is the session of a user`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${hex('d')} +Fides created it`, 'm'));
    expect(stdout).toMatch(/^with space +its id has characters other than/m);
    expect(stdout).toContain('Scopes that Postern does not have: messaging:read system:read. Create them by');
    expect(stdout).toContain('Postern has no roles');

    expect(statSync(out).mode & 0o777).toBe(0o600);
    const secrets = JSON.parse(readFileSync(out, 'utf8'));
    expect(secrets.map(({ client_id }: { client_id: string }) => client_id)).toEqual(['fidesadmin_2']);
    await getToken(hex('a'), ofBcrypt.secret);
    await getToken(hex('b'), ofSha512.secret);
    expect(stdout + stderr).not.toContain(ofBcrypt.hashed);
    for (const { client_id: clientId, client_secret: clientSecret } of secrets) {
      await acquireToken(server.url, { clientId, clientSecret });
      expect(stdout + stderr).not.toContain(clientSecret);
    }
    expect(await root.json('client', 'show', hex('a'))).toMatchObject({
      name: 'Reports',
      scopes: ['policy:read', 'rule:read'],
    });
    expect((await root.json('client', 'show', hex('b'))).scopes).toEqual(['policy:read']);
    expect((await root.json('client', 'show', 'fidesadmin_2')).scopes).toEqual(['client:create']);

    const again = await importAs('--secrets-out', secretsFile(), '--yes');
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('There are no clients to import.')]);
    expect(again.stdout).toContain('Postern already has a client with this id');
  });

  test('--register-scopes creates scopes that Postern does not have, except in administrative families', async () => {
    await createFidesTable();
    await database.query(`update client set scopes = scopes || '{key:steal}' where id = $1`, [hex('b')]);
    expect((await importAs('--register-scopes', '--secrets-out', secretsFile(), '--yes')).code).toBe(0);
    expect((await root.json('client', 'show', hex('b'))).scopes).toEqual([
      'policy:read',
      'system:read',
      'messaging:read',
    ]);
    const { scopes } = await root.json('client', 'show', hex('b'));
    expect(scopes).not.toContain('key:steal');
  });

  test('without --yes and with --dry-run nothing changes; --only imports some', async () => {
    await createFidesTable();
    const { code, stdout } = await importAs('--dry-run');
    expect([code, stdout]).toEqual([0, expect.stringContaining('Reports')]);
    const refused = await importAs('--secrets-out', secretsFile());
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Add --yes')]);
    const without = await importAs('--yes');
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('--secrets-out FILE')]);
    expect(await clientIds()).toEqual([]);

    const { stdout: json } = await importAs(
      '--only',
      `${hex('a')},nobody`,
      '--secrets-out',
      secretsFile(),
      '--yes',
      '--json',
    );
    expect(JSON.parse(json)).toMatchObject({
      imported: true,
      clients: [{ client_id: hex('a') }],
      skipped: [{ client_id: 'nobody', reason: 'Fides does not have it' }],
    });
    expect(await clientIds()).toEqual([hex('a')]);
  });

  test('works as in the manual', async () => {
    await createFidesTable();
    await database.query('update client set hashed_secret = $1', [ofBcrypt.hashed]);
    const lines = manualLines('postgres://fides@db.example.com/fides', url);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const { code, stdout } = await run(line, env, directory);
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^CLIENT +NAME +SCOPES +SCOPES LOST +AUDIENCES LOST +ROLES LOST +SECRET\n/),
      ]);
    }
    expect(await clientIds()).toEqual([hex('a'), hex('b'), 'fidesadmin_2']);
  });

  test('reads the table of Fidesops, which has fewer columns', async () => {
    await database.query(`
      create table client (
        id varchar(255) primary key, created_at timestamptz default now(), updated_at timestamptz default now(),
        hashed_secret varchar not null, salt varchar not null, scopes varchar[] not null,
        fides_key varchar unique, user_id varchar unique
      )`);
    await database.query(
      `insert into client (id, hashed_secret, salt, scopes) values ($1, 'x', 'y', '{storage:read}')`,
      [hex('e')],
    );
    expect((await importAs('--secrets-out', secretsFile(), '--yes')).code).toBe(0);
    expect((await root.json('client', 'show', hex('e'))).scopes).toEqual(['storage:read']);
  });

  test('explains what is wrong, and refuses a password as an argument', async () => {
    await database.query('create view client as select 1 as nothing');
    try {
      const { code, stderr } = await importAs('--dry-run');
      expect([code, stderr]).toEqual([1, expect.stringContaining('no tables of clients like those of Fides')]);
    } finally {
      await database.query('drop view client');
    }
    const empty = await importAs('--dry-run');
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringContaining('no tables of clients')]);
    const open = await runInProcess(['import', 'fides', '--database-url', postgres.url], env);
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('set PGPASSWORD')]);
    const wrong = await runInProcess(['import', 'fides', '--database-url', url], { ...env, PGPASSWORD: 'wrong' });
    expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('rejected the credentials')]);
    const gone = await runInProcess(['import', 'fides', '--database-url', 'postgres://fides@127.0.0.1:1/fides'], env);
    expect(gone.code).toBe(3);
  });

  test('Hydra: keeps ids, scopes, audiences, lifetimes and secrets, by bcrypt and by PBKDF2', async () => {
    const salt = randomBytes(16);
    const pbkdf2 = (secret: string) => {
      const texts = [salt, pbkdf2Sync(secret, salt, 25_000, 32, 'sha256')].map((bytes) => bytes.toString('base64'));
      return `$pbkdf2-sha256$i=25000,l=32$${texts.map((text) => text.replaceAll('=', '')).join('$')}`;
    };
    await database.query(`
      create table hydra_client (
        id varchar(255) not null, client_name text not null, client_secret text not null, scope text not null,
        owner text not null default '', jwks text not null default '', jwks_uri text not null default '',
        client_secret_expires_at integer not null default 0, token_endpoint_auth_method varchar(25) not null default '',
        created_at timestamp not null default now(), grant_types jsonb not null, audience jsonb not null,
        client_credentials_grant_access_token_lifespan bigint, access_token_strategy varchar(10) not null default '',
        pk uuid default gen_random_uuid(), nid uuid default gen_random_uuid()
      )`);
    const insert = (
      id: string,
      secret: string,
      scope: string,
      audience: string[],
      more: Record<string, unknown> = {},
    ) =>
      database.query(
        `insert into hydra_client (id, client_name, client_secret, scope, grant_types, audience, token_endpoint_auth_method,
           jwks_uri, client_credentials_grant_access_token_lifespan) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          ...[id, more['name'] ?? '', secret, scope, JSON.stringify(more['grants'] ?? ['client_credentials'])],
          ...[
            JSON.stringify(audience),
            more['method'] ?? 'client_secret_basic',
            more['jwks_uri'] ?? '',
            more['lifespan'],
          ],
        ],
      );
    const reports = '7b2c9a1e-55d8-4e7b-9f3a-0c1d2e3f4a5b';
    const invoices = 'https://invoices.example.com';
    await insert(reports, pbkdf2('of-reports'), 'invoice:read offline', [invoices], {
      name: 'Reports',
      lifespan: 900e9,
    });
    const bcrypt = '$2a$04$Kux2ljXRnt0RWkmsZBJiVONlBgCKoJifUHOLjoQyJAyJNufrzll6S';
    await insert('urn:acme:jobs@eu/1', bcrypt, 'invoice:read', []);
    const jwksUri = 'https://keys.example.com/jwks';
    await insert('signs', '', 'invoice:read', [], { method: 'private_key_jwt', jwks_uri: jwksUri });
    await insert('site', bcrypt, 'openid', [], { grants: ['authorization_code'] });
    await insert('spa', '', 'openid', [], { method: 'none' });
    await insert('costly', bcrypt.replace('$04$', '$16$'), 'invoice:read', []);

    const out = secretsFile();
    const options = ['--register-scopes', '--register-resources', '--secrets-out', out, '--yes'];
    const { code, stdout, stderr } = await importFrom('hydra', ...options);
    expect([code, stderr]).toEqual([0, expect.stringContaining('Done.')]);
    expect(stdout).toMatch(/^site +its grant types are authorization_code/m);
    expect(stdout).toMatch(/^spa +it is public/m);
    expect(stdout).toMatch(/^costly .+ new: its digest has an unknown format, or takes too long to check$/m);
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual([expect.objectContaining({ client_id: 'costly' })]);
    await getToken(reports, 'of-reports');
    await getToken('urn:acme:jobs@eu/1', 'Hydra~secret.of_8nJq2Lw7RkZp');
    expect(await root.json('client', 'show', reports)).toMatchObject({
      name: 'Reports',
      scopes: ['invoice:read'],
      resources: [invoices],
      default_resource: invoices,
      access_token_ttl_seconds: 900,
    });
    expect(await root.json('client', 'show', 'signs')).toMatchObject({ jwks_uri: jwksUri });
    expect((await importFrom('hydra', '--dry-run')).stdout).toContain('There are no clients to import.');
  });

  test('Keycloak: keeps ids, scopes, audiences, lifetimes and secrets, of one realm', async () => {
    const secret = 'nYbKqW4tZ0x8LmRdV2cHsGf7uPjE5aQ1';
    await database.query(`
      create table realm (id varchar(36) primary key, name varchar(255));
      create table client (
        id varchar(36) primary key, enabled boolean, client_id varchar(255), public_client boolean, secret varchar(255),
        bearer_only boolean, realm_id varchar(36), protocol varchar(255), client_authenticator_type varchar(255), name varchar(255),
        service_accounts_enabled boolean, description varchar(255)
      );
      create table client_attributes (client_id varchar(36), name varchar(255), value text);
      create table client_scope (id varchar(36) primary key, name varchar(255), realm_id varchar(36));
      create table client_scope_client (client_id varchar(255), scope_id varchar(255), default_scope boolean);
      create table protocol_mapper (
        id varchar(36) primary key, name varchar(255), protocol varchar(255), protocol_mapper_name varchar(255),
        client_id varchar(36), client_scope_id varchar(36)
      );
      create table protocol_mapper_config (protocol_mapper_id varchar(36), value text, name varchar(255));
      create table user_entity (id varchar(36) primary key, username varchar(255), service_account_client_link varchar(255));
      create table user_role_mapping (role_id varchar(255), user_id varchar(36));
      create table keycloak_role (id varchar(36) primary key, name varchar(255), client varchar(36), client_role boolean);

      insert into realm values ('r1', 'main'), ('r2', 'master');
      insert into client values
        ('c1', true, 'https://reports.example.com/', false, '${secret}', false, 'r1', 'openid-connect',
          'client-secret', 'Reports', true, null),
        ('c2', true, 'account-console', true, null, false, 'r1', 'openid-connect', 'client-secret', 'Account', false, null),
        ('c3', true, 'weak', false, 'secret', false, 'r1', 'openid-connect', 'client-secret', null, true, null),
        ('c4', true, 'other-realm', false, 'x', false, 'r2', 'openid-connect', 'client-secret', null, true, null);
      insert into client_attributes values ('c1', 'access.token.lifespan', '300');
      insert into client_scope values ('s1', 'basic', 'r1'), ('s2', 'invoices:view', 'r1');
      insert into client_scope_client values ('c1', 's1', true), ('c1', 's2', true);
      insert into protocol_mapper values ('m1', 'aud', 'openid-connect', 'oidc-audience-mapper', null, 's2');
      insert into protocol_mapper_config values ('m1', 'https://invoices.example.com', 'included.custom.audience');
      insert into user_entity values ('u1', 'service-account-reports', 'c1');
      insert into keycloak_role values ('k1', 'view', 'c2', true), ('k2', 'default-roles-main', null, false);
      insert into user_role_mapping values ('k1', 'u1'), ('k2', 'u1');
    `);
    const several = await importFrom('keycloak', '--dry-run');
    expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('They are main, master')]);
    const out = secretsFile();
    const options = ['--realm', 'main', '--register-scopes', '--register-resources', '--secrets-out', out, '--yes'];
    const { code, stdout, stderr } = await importFrom('keycloak', ...options);
    expect([code, stderr]).toEqual([0, expect.stringContaining('Done.')]);
    expect(stdout).toMatch(/^https:\/\/reports\.example\.com\/ +Reports +1 +0 +0 +account-console:view +kept$/m);
    expect(stdout).toMatch(/^weak .+ new: its secret has only 6 characters/m);
    expect(stdout).toMatch(/^account-console +it is public/m);
    await getToken('https://reports.example.com/', secret);
    expect(await root.json('client', 'show', 'https://reports.example.com/')).toMatchObject({
      scopes: ['invoices:view'],
      resources: ['https://invoices.example.com'],
      access_token_ttl_seconds: 300,
    });
    expect(stdout + stderr).not.toContain(secret);
  });
});

describe('from the API of Fides', () => {
  let fides: Server;
  let url: string;
  let lists: boolean;
  let secret: string;

  const clients = [
    { client_id: hex('1'), name: 'Reports', description: null, scopes: ['policy:read'] },
    { client_id: hex('2'), name: 'Other', description: 'x', scopes: ['system:read', 'rule:read'] },
  ];

  beforeAll(async () => {
    secret = join(directory, 'fides.secret');
    writeFileSync(secret, 'of-fides\n');
    fides = createServer(async (request, response) => {
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://fides');
      if (pathname === '/api/v1/oauth/token') {
        const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
        const isKnown = form.get('client_id') === 'fidesadmin' && form.get('client_secret') === 'of-fides';
        return isKnown ? answer(200, { access_token: 'a.b.c.d.e' }) : answer(401, { detail: 'Authentication Failure' });
      }
      if (request.headers.authorization !== 'Bearer a.b.c.d.e') {
        return answer(403, { detail: 'Not Authorized for this action' });
      }
      if (pathname === '/api/v1/oauth/client') {
        const page = Number(searchParams.get('page'));
        return lists
          ? answer(200, { items: [clients[page - 1]], total: 2, page, size: 1, pages: 2 })
          : answer(405, { detail: 'Method Not Allowed' });
      }
      const [, id] = /^\/api\/v1\/oauth\/client\/(\w+)\/scope$/.exec(pathname) ?? [];
      return answer(200, clients.find(({ client_id }) => client_id === id)?.scopes ?? []);
    });
    await new Promise<void>((resolve) => fides.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(fides.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => fides.close(resolve)));

  const importAs = (...args: string[]) =>
    root.run('import', 'fides', '--api', url, '--api-client-id', 'fidesadmin', '--api-secret-file', secret, ...args);

  test('imports clients of a version that lists them, page by page', async () => {
    lists = true;
    const { code, stderr } = await importAs('--secrets-out', secretsFile(), '--yes');
    expect([code, stderr]).toEqual([0, expect.stringContaining('Done.')]);
    expect(await root.json('client', 'show', hex('2'))).toMatchObject({
      name: 'Other',
      description: 'x',
      scopes: expect.arrayContaining(['rule:read']),
    });
  });

  test('works as in the manual', async () => {
    lists = true;
    const [line = [], ...others] = manualLines('https://fides.example.com', url);
    expect(others).toEqual([]);
    const env = { HOME: root.home, XDG_CONFIG_HOME: join(root.home, 'config') };
    expect((await run(line, env, directory)).code).toBe(0);
    expect(await clientIds()).toEqual([hex('1'), hex('2')]);
    rmSync(join(directory, 'secrets.json'));
  });

  test('imports the named clients of a version that lists none', async () => {
    lists = false;
    const unnamed = await importAs('--dry-run');
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('--only ID')]);
    expect((await importAs('--only', hex('1'), '--secrets-out', secretsFile(), '--yes')).code).toBe(0);
    expect(await clientIds()).toEqual([hex('1')]);
  });

  test('explains what is wrong', async () => {
    writeFileSync(secret, 'wrong');
    const refused = await importAs('--dry-run');
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('issued no token (status 401)')]);
    writeFileSync(secret, 'of-fides');
    const both = await importAs('--database-url', 'postgres://a@b/c');
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('--database-url or --api')]);
    const half = await root.run('import', 'fides', '--api', url);
    expect([half.code, half.stderr]).toEqual([2, expect.stringContaining('--api-client-id')]);
    const plain = await root.run(
      'import',
      'fides',
      '--api',
      'http://fides.example.com',
      '--api-client-id',
      'a',
      '--api-secret-file',
      secret,
    );
    expect([plain.code, plain.stderr]).toEqual([2, expect.stringContaining('plain http')]);
  });
});

describe('from files and APIs of other servers', () => {
  let api: Server;
  let url: string;
  const answers = new Map<string, unknown[]>();

  beforeAll(async () => {
    api = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://api');
      const isLinked = pathname === '/admin/clients';
      const all = answers.get(pathname);
      const page = Number(searchParams.get('page') ?? searchParams.get('page_token') ?? 0);
      if (!isLinked && request.headers.authorization !== 'Bearer management') {
        return response.writeHead(401).end('{}');
      }
      if (all === undefined) {
        return response.writeHead(404).end('{}');
      }
      const link = `</admin/clients?page_token=${page + 1}>; rel="next"`;
      response.writeHead(200, { ...(isLinked && page + 1 < all.length && { link }) });
      return response.end(JSON.stringify(isLinked ? all.slice(page, page + 1) : page === 0 ? all : []));
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => api.close(resolve)));

  const fileOf = (value: unknown) => {
    const file = join(directory, `export-${Math.random().toString(36).slice(2)}.json`);
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  };
  const register = ['--register-scopes', '--register-resources', '--yes'];

  const auth0Secret = 'Zr8_u2Wq-L0pXv6TnYc4Bd1Ek9SjGm3HfAoRiDtUeIyVlNwKxQbPzCsMh5J7gO_a';
  const machine = { grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post' };
  const applications = [
    {
      client_id: 'kL3pT9vXq2RsWm',
      name: 'Reports',
      app_type: 'non_interactive',
      client_secret: auth0Secret,
      ...machine,
    },
    { client_id: 'spa', name: 'Site', app_type: 'spa', token_endpoint_auth_method: 'none' },
    { client_id: 'global', name: 'All Applications', global: true, client_secret: 'x', grant_types: [] },
  ];
  const grants = [
    { client_id: 'kL3pT9vXq2RsWm', audience: 'https://orders.example.com', scope: ['read:orders', 'pay:orders'] },
    { client_id: 'kL3pT9vXq2RsWm', audience: 'https://acme.eu.auth0.com/api/v2/', scope: ['read:users'] },
  ];
  const expectMoved = async () => {
    await getToken('kL3pT9vXq2RsWm', auth0Secret);
    expect(await root.json('client', 'show', 'kL3pT9vXq2RsWm')).toMatchObject({
      name: 'Reports',
      scopes: ['read:orders', 'pay:orders'],
      default_resource: 'https://orders.example.com',
    });
  };

  test('Auth0: from the answers of its Management API, in files', async () => {
    const files = ['--file', fileOf(applications), '--file', fileOf({ client_grants: grants })];
    const { code, stdout, stderr } = await root.run('import', 'auth0', ...files, ...register);
    expect([code, stderr]).toEqual([0, expect.stringContaining('All clients keep their secrets')]);
    expect(stdout).toMatch(/^spa +it is public/m);
    expect(stdout).toMatch(/^global +Auth0 created it for itself/m);
    expect(stdout + stderr).not.toContain(auth0Secret);
    await expectMoved();
  });

  test('a scope that means something else there does not administer Postern, nor reach an API that it was not granted for', async () => {
    const billing = 'https://billing.example.com';
    const scopes = ['client:create', 'policy:read', 'close:accounts'];
    const all = [...grants, { client_id: 'kL3pT9vXq2RsWm', audience: billing, scope: scopes }];
    const files = ['--file', fileOf(applications), '--file', fileOf({ client_grants: all })];
    const { stdout } = await root.run('import', 'auth0', ...files, ...register);
    expect(stdout).toContain('client:create');
    expect((await root.json('client', 'show', 'kL3pT9vXq2RsWm')).scopes).toEqual([
      'read:orders',
      'pay:orders',
      'close:accounts',
    ]);
    const resources = await root.json('resource', 'list');
    expect(resources.find(({ identifier }: { identifier: string }) => identifier === billing).scopes).toEqual([
      'close:accounts',
    ]);
  });

  test('Auth0: from its Management API', async () => {
    answers.set('/api/v2/clients', applications).set('/api/v2/client-grants', grants);
    const from = (token: string) => ['import', 'auth0', '--api', url, '--api-token-file', fileOf(token), ...register];
    expect((await root.run(...from('management'))).code).toBe(0);
    await expectMoved();
    const refused = await root.run(...from('other'));
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringContaining('does not let this token list clients'),
    ]);
  });

  test('Keycloak: from an export of a realm, with the roles of its users, from a list of clients and from its API', async () => {
    const secret = 'nYbKqW4tZ0x8LmRdV2cHsGf7uPjE5aQ1';
    const reports = {
      clientId: 'reports',
      name: 'Reports',
      enabled: true,
      serviceAccountsEnabled: true,
      publicClient: false,
      clientAuthenticatorType: 'client-secret',
      secret,
      attributes: { 'access.token.lifespan': '900' },
      defaultClientScopes: ['basic', 'invoices:view'],
      optionalClientScopes: ['offline_access'],
    };
    const hidden = { ...reports, clientId: 'hidden', secret: '**********' };
    const config = { 'included.custom.audience': 'https://invoices.example.com' };
    const realm = {
      realm: 'main',
      clients: [reports, hidden],
      clientScopes: [{ name: 'invoices:view', protocolMappers: [{ protocolMapper: 'oidc-audience-mapper', config }] }],
      users: [{ serviceAccountClientId: 'reports', realmRoles: ['auditor'], clientRoles: { billing: ['view'] } }],
    };
    const fromRealm = await root.json(
      'import',
      'keycloak',
      '--file',
      fileOf(realm),
      '--register-resources',
      '--dry-run',
    );
    expect(fromRealm.clients).toMatchObject([
      {
        client_id: 'reports',
        lost_roles: ['auditor', 'billing:view'],
        credential: 'kept',
        resources: ['https://invoices.example.com'],
        access_token_ttl_seconds: 900,
      },
      { client_id: 'hidden', credential: 'new', reason: 'the export hides its secret' },
    ]);
    answers.set('/admin/realms/main/clients', [reports]);
    const address = `${url}/admin/realms/main`;
    const token = ['--api-token-file', fileOf('management')];
    const fromApi = await root.json('import', 'keycloak', '--api', address, ...token, '--dry-run');
    expect(fromApi.clients).toMatchObject([{ client_id: 'reports', credential: 'kept' }]);
    expect((await root.run('import', 'keycloak', '--file', fileOf([reports]), ...register)).code).toBe(0);
    await getToken('reports', secret);
  });

  test('Hydra: from its admin API, which tells no secrets, page by page', async () => {
    const client = (client_id: string) => ({ client_id, scope: '', grant_types: ['client_credentials'] });
    answers.set('/admin/clients', [client('one'), client('two')]);
    const out = secretsFile();
    const { code, stdout } = await root.run('import', 'hydra', '--api', url, '--secrets-out', out, '--yes');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/new: the API of Hydra does not tell its digest/)]);
    const secrets = JSON.parse(readFileSync(out, 'utf8'));
    expect(secrets).toHaveLength(2);
    await getToken('two', secrets[1].client_secret);
  });

  test('explains what is wrong', async () => {
    const none = await root.run('import', 'auth0');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--file or --api')]);
    const text = await root.run('import', 'hydra', '--file', fileOf('client_secret: hidden'));
    expect([text.code, text.stderr]).toEqual([2, expect.stringContaining('is not JSON')]);
    expect(text.stderr).not.toContain('hidden');
    const token = await root.run('import', 'keycloak', '--api', url);
    expect([token.code, token.stderr]).toEqual([2, expect.stringContaining('--api-token-file')]);
  });
});
