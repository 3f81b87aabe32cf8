/** `postern copy`: everything moves from SQLite to PostgreSQL and back, and nobody needs a new secret. */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  removeDirectory,
  rootCredentials,
  type ServeProcess,
  startServe,
} from './harness.ts';
import { runInProcess } from './in-process.ts';
import { serveInProcess } from './serve-in-process.ts';
import { signIn } from './signed-in.ts';

let directory: string;
let postgres: OwnPostgres;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  postgres = await startOwnPostgres();
  await (await serveInProcess(directory, { dataDir: join(directory, 'template') })).stop();
});
afterAll(async () => {
  await postgres.stop();
  removeDirectory(directory);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

async function newDatabase(): Promise<string> {
  const name = `copy_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client(postgres.url);
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return Object.assign(new URL(postgres.url), { pathname: name }).href;
}

const newFile = () => join(directory, `${randomBytes(4).toString('hex')}.db`);

/** The command, with the master key of a data directory if there is one. */
const copy = (from: string, to: string, env: Record<string, string> = {}) =>
  runInProcess(['copy', '--from', from, '--to', to, '--json'], { POSTERN_DATA_DIR: join(directory, 'none'), ...env });

interface Content {
  [table: string]: unknown[];
}

const isBookkeeping = (table: string) => /_migration(_lock)?$/.test(table);
const sorted = (rows: unknown[]) =>
  rows.map((row) => JSON.stringify(Object.entries(row as object).toSorted())).toSorted();

function contentOfFile(path: string): Content {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  const content = Object.fromEntries(
    tables
      .map(({ name }) => String(name))
      .filter((name) => !isBookkeeping(name))
      .map((name) => [name, sorted(database.prepare(`select * from "${name}"`).all())]),
  );
  database.close();
  return content;
}

async function contentOfPostgres(url: string): Promise<Content> {
  const client = new pg.Client({
    connectionString: url,
    types: { getTypeParser: (oid: number) => (oid === 20 ? Number : pg.types.getTypeParser(oid)) as never },
  });
  await client.connect();
  const { rows } = await client.query("select tablename from pg_tables where schemaname = 'public'");
  const content: Content = {};
  for (const { tablename } of rows) {
    if (!isBookkeeping(tablename)) {
      content[tablename] = sorted((await client.query(`select * from "${tablename}"`)).rows);
    }
  }
  await client.end();
  return content;
}

/** A data directory of a server that was started once. */
function newData(): { dataDir: string; file: string } {
  const dataDir = join(directory, randomBytes(4).toString('hex'));
  cpSync(join(directory, 'template'), dataDir, { recursive: true });
  return { dataDir, file: join(dataDir, 'postern.db') };
}

test('a server moves to PostgreSQL and back: secrets, tokens, keys, revocations, policies and the audit trail', async () => {
  const dataDir = join(directory, 'moved');
  const options = { dataDir, env: { POSTERN_ISSUER: 'https://auth.example.com' } };
  const before = await startServe(directory, options);
  const root = rootCredentials(dataDir);
  const rootToken = await acquireToken(before.url, root);
  const create = async (server: ServeProcess, path: string, method: string, body: unknown) => {
    const answer = await call(method, server.url + path, bearer(rootToken), JSON.stringify(body));
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  };
  const created = await create(before, '/api/v1/oauth/client', 'POST', { scopes: ['policy:read'] });
  const client = { clientId: created.client_id, clientSecret: created.client_secret };
  await create(before, '/api/v1/policy', 'PATCH', [{ name: 'Erasure', key: 'erasure' }]);
  const [active, revoked] = [await acquireToken(before.url, client), await acquireToken(before.url, client)];
  await postForm(
    `${before.url}/api/v1/oauth/revoke`,
    `client_id=${client.clientId}`,
    `client_secret=${client.clientSecret}`,
    `token=${revoked}`,
  );
  const jwks = (await call('GET', `${before.url}/.well-known/jwks.json`)).body;
  await before.stop();

  const url = await newDatabase();
  const there = await copy(`sqlite:${join(dataDir, 'postern.db')}`, url);
  expect([there.code, there.stderr]).toEqual([0, '']);
  expect(JSON.parse(there.stdout)).toMatchObject({ master_keys_checked: [join(dataDir, 'master.key')] });
  expect(there.stdout).not.toContain(new URL(url).password);
  expect(await contentOfPostgres(url)).toEqual(contentOfFile(join(dataDir, 'postern.db')));

  const secrets = {
    POSTERN_MASTER_KEY: readFileSync(join(dataDir, 'master.key'), 'utf8').trim(),
    OAUTH_ROOT_CLIENT_ID: root.clientId,
    OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
  };
  const back = join(directory, 'back');
  const expectSame = async (server: ServeProcess) => {
    await acquireToken(server.url, client);
    const policies = (token: string) => call('GET', `${server.url}/api/v1/policy`, bearer(token));
    expect((await policies(active)).body).toMatchObject({ items: [{ key: 'erasure' }] });
    expect((await policies(revoked)).status).toBe(401);
    expect((await call('GET', `${server.url}/.well-known/jwks.json`)).body).toEqual(jwks);
    const auditor = await signIn(server.url, root);
    const verified = await auditor.run('audit', 'verify', '--replay');
    auditor.forget();
    expect([verified.code, verified.stdout]).toEqual([
      0,
      expect.stringContaining('The server has what the events say'),
    ]);
    await server.stop();
  };
  await expectSame(
    await startServe(directory, { dataDir: back, env: { ...options.env, ...secrets, DATABASE_URL: url } }),
  );

  const file = join(back, 'postern.db');
  const home = await copy(url, `sqlite:${file}`, secrets);
  expect([home.code, home.stderr]).toEqual([0, '']);
  expect(contentOfFile(file)).toEqual(await contentOfPostgres(url));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expectSame(await startServe(directory, { dataDir: back, env: { ...options.env, ...secrets } }));
});

test('every table is copied, each column of it, in thousands of rows, and also those that later versions add', async () => {
  const { file } = newData();
  const source = new DatabaseSync(file);
  source.exec('pragma foreign_keys = off; begin');
  const tables = source
    .prepare("select name from sqlite_schema where type = 'table'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !isBookkeeping(name));
  for (const table of tables) {
    const columns = source.prepare('select name, type from pragma_table_info(?)').all(table);
    const insert = source.prepare(`insert or replace into "${table}" values (${columns.map(() => '?').join(', ')})`);
    // Every reference is to a row of the same number.
    for (let row = 0; row < (table === 'event_head' || table === 'signing_keys' ? 0 : 1_100); row += 1) {
      insert.run(...columns.map(({ type }) => (type === 'text' ? `Zeile ${row} – "'\\%_\n\u{1f511}é` : 10_000 + row)));
    }
  }
  source.exec('commit');
  source.close();
  const expected = contentOfFile(file);
  expect(Object.values(expected).filter((rows) => rows.length === 0)).toEqual([]);
  const [url, back] = [await newDatabase(), newFile()];
  expect(await copy(`sqlite:${file}`, url)).toMatchObject({ code: 0, stderr: '' });
  expect(await contentOfPostgres(url)).toEqual(expected);
  expect(await copy(url, `sqlite:${back}`)).toMatchObject({ code: 0, stderr: '' });
  expect(contentOfFile(back)).toEqual(expected);
});

test('a server that is running does no harm: the copy has what there was at one moment', async () => {
  const server = await startServe(directory, { dataDir: join(directory, 'running') });
  const token = await acquireToken(server.url, rootCredentials(server.dataDir));
  let isDone = false;
  const load = (async () => {
    while (!isDone) {
      await call('POST', `${server.url}/api/v1/oauth/client`, bearer(token), '{"scopes":["scope:read"]}');
    }
  })();
  const file = newFile();
  const { code, stderr } = await copy(`sqlite:${join(server.dataDir, 'postern.db')}`, `sqlite:${file}`);
  isDone = true;
  await load;
  await server.stop();
  expect([code, stderr]).toEqual([0, '']);
  const copied = new DatabaseSync(file);
  const [counts] = copied
    .prepare(
      "select (select sequence from event_head) head, (select count(*) from events) events, (select count(*) from clients) clients, (select count(*) from events where kind = 'client.created') created",
    )
    .all() as [Record<string, number>];
  copied.close();
  expect(counts).toMatchObject({ head: counts['events'], clients: counts['created'] });
});

describe('it refuses, and changes nothing', () => {
  test('a target that is not empty, in either database', async () => {
    const [source, other] = [newData(), newData()];
    const before = contentOfFile(other.file);
    const toFile = await copy(`sqlite:${source.file}`, `sqlite:${other.file}`);
    expect([toFile.code, toFile.stderr]).toEqual([1, expect.stringContaining(`${other.file} is not empty`)]);
    expect(contentOfFile(other.file)).toEqual(before);

    const url = await newDatabase();
    expect(await copy(`sqlite:${source.file}`, url)).toMatchObject({ code: 0 });
    const filled = await contentOfPostgres(url);
    const again = await copy(`sqlite:${other.file}`, url);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is not empty')]);
    expect(await contentOfPostgres(url)).toEqual(filled);
    expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('another version, older or newer, and a database of something else', async () => {
    const target = newFile();
    const expectRefusal = async (change: string, message: RegExp) => {
      const { file } = newData();
      const database = new DatabaseSync(file);
      database.exec(change);
      database.close();
      const { code, stderr } = await copy(`sqlite:${file}`, `sqlite:${target}`);
      expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
      expect(existsSync(target)).toBe(false);
    };
    await expectRefusal("insert into policy_api_migration values ('9999-later', '2099')", /newer version.*9999-later/);
    await expectRefusal('delete from server_migration', /has no tables of Postern/);
    await expectRefusal('drop table server_migration; create table dogs (name text)', /has no tables of Postern/);
    await expectRefusal("update server_migration set name = '0000-earlier'", /newer version/);
  });

  test('another master key than the one that the source was written with, wherever it is found', async () => {
    const { dataDir, file } = newData();
    const target = newFile();
    const byVariable = await copy(`sqlite:${file}`, `sqlite:${target}`, {
      POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
    });
    expect(byVariable).toMatchObject({ code: 1 });
    expect(byVariable.stderr).toMatch(/the master key in POSTERN_MASTER_KEY does not open the signing keys/);
    writeFileSync(join(dataDir, 'master.key'), randomBytes(32).toString('base64'));
    const byFile = await copy(`sqlite:${file}`, `sqlite:${target}`);
    expect([byFile.code, byFile.stderr]).toEqual([1, expect.stringContaining(join(dataDir, 'master.key'))]);
    expect(existsSync(target)).toBe(false);
  });

  test('a source that is missing, a target that cannot be reached, one database for both, and what is no URL', async () => {
    const { file } = newData();
    const missing = join(directory, 'missing.db');
    const url = new URL(postgres.url);
    const cases: [string, string, number, RegExp][] = [
      [`sqlite:${missing}`, `sqlite:${newFile()}`, 1, /missing\.db cannot be used: unable to open database file/],
      [`sqlite:${file}`, `postgres://postern:hunter2@127.0.0.1:1/postern`, 1, /127\.0\.0\.1:1\/postern cannot be used/],
      [`sqlite:${file}`, `sqlite:${file}`, 1, /is the source and the target/],
      [`sqlite:${file}`, 'mysql://localhost/postern', 1, /--to: must be sqlite: and a path/],
      [`sqlite:${file}`, Object.assign(url, { password: 'hunter2' }).href, 1, /password authentication failed/],
      [`sqlite:${file}`, `sqlite:${join(directory, 'no', 'such', 'where.db')}`, 1, /cannot create .*such .ENOENT/],
    ];
    for (const [from, to, code, message] of cases) {
      const answer = await copy(from, to);
      expect([answer.code, answer.stderr]).toEqual([code, expect.stringMatching(message)]);
      expect(answer.stderr).not.toContain('hunter2');
    }
    expect(existsSync(missing)).toBe(false);
  });
});
