/** `postern import fides`: from a PostgreSQL with the table of Fides, and from HTTP servers that answer as its API does. */
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

describe('from its database', () => {
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
  afterEach(() => database.query('drop table if exists client'));

  const importAs = (...args: string[]) => run(['import', 'fides', '--database-url', url, ...args], env);

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
         values ($1, 'digest-of-fides', 'salt-of-fides', $2, $3, $4, $5, $6, now() + ($7 || ' seconds')::interval)`,
        [id, scopes, more['roles'] ?? [], more['name'], more['fides_key'], more['user_id'], more['after'] ?? 0],
      );
    await insert(hex('a'), ['policy:read', 'rule:read'], { name: 'Reports' });
    await insert(hex('b'), ['policy:read', 'system:read', 'messaging:read'], { roles: ['viewer'], after: 1 });
    await insert('fidesadmin_2', ['client:create'], { after: 2 });
    await insert(hex('c'), ['policy:read'], { user_id: 'fid_1', after: 3 });
    await insert(hex('d'), ['policy:read'], { fides_key: 'admin_ui_root', after: 4 });
    await insert('with space', ['policy:read'], { after: 5 });
  }

  test('keeps ids and scopes, creates new secrets, and reports what is not imported', async () => {
    await createFidesTable();
    const out = secretsFile();
    const { code, stdout, stderr } = await importAs('--secrets-out', out, '--yes');
    expect([code, stderr]).toEqual([0, expect.stringContaining('Done.')]);
    expect(stdout).toMatch(new RegExp(`^${hex('a')} +Reports +2 +0 +-$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${hex('b')} +- +1 +2 +viewer$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${hex('c')} +it is the session of a user`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${hex('d')} +Fides created it`, 'm'));
    expect(stdout).toMatch(/^with space +its id has characters other than/m);
    expect(stdout).toContain('Scopes that Postern does not have: messaging:read system:read. Create them by');
    expect(stdout).toContain('Postern has no roles');

    expect(statSync(out).mode & 0o777).toBe(0o600);
    const secrets = JSON.parse(readFileSync(out, 'utf8'));
    expect(secrets.map(({ client_id }: { client_id: string }) => client_id)).toEqual([
      hex('a'),
      hex('b'),
      'fidesadmin_2',
    ]);
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
    const lines = manualLines('postgres://fides@db.example.com/fides', url);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const { code, stdout } = await run(line, env, directory);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^CLIENT +NAME +SCOPES +SCOPES LOST +ROLES LOST\n/)]);
    }
    expect(await clientIds()).toEqual([hex('a'), hex('b'), 'fidesadmin_2']);
    rmSync(join(directory, 'secrets.json'));
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
      expect([code, stderr]).toEqual([1, expect.stringContaining('no table "client" like that of Fides')]);
    } finally {
      await database.query('drop view client');
    }
    const empty = await importAs('--dry-run');
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringContaining('no table "client"')]);
    const open = await run(['import', 'fides', '--database-url', postgres.url], env);
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('set PGPASSWORD')]);
    const wrong = await run(['import', 'fides', '--database-url', url], { ...env, PGPASSWORD: 'wrong' });
    expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('rejected the credentials')]);
    const gone = await run(['import', 'fides', '--database-url', 'postgres://fides@127.0.0.1:1/fides'], env);
    expect(gone.code).toBe(3);
  });
});

describe('from its API', () => {
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
