/** `postern backup` and `postern restore`, of both databases: what comes back, what comes back to life, and what is kept. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  type RootCredentials,
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
});
afterAll(async () => {
  await postgres.stop();
  removeDirectory(directory);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

async function newDatabase(): Promise<string> {
  const name = `backup_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client(postgres.url);
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return Object.assign(new URL(postgres.url), { pathname: name }).href;
}

interface Place {
  /** Of the server and of the commands. */
  readonly env: Record<string, string>;
  readonly root: () => RootCredentials;
}

/** The variables of a server on a new database. */
async function newPlace(kind: string): Promise<Place> {
  const dataDir = join(directory, randomBytes(4).toString('hex'));
  const env = { POSTERN_DATA_DIR: dataDir, POSTERN_ISSUER: 'https://auth.example.com' };
  if (kind === 'SQLite') {
    return { env, root: () => rootCredentials(dataDir) };
  }
  const secret = randomBytes(32).toString('hex');
  return {
    env: {
      ...env,
      DATABASE_URL: await newDatabase(),
      POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
      OAUTH_ROOT_CLIENT_ID: 'root',
      OAUTH_ROOT_CLIENT_SECRET: secret,
    },
    root: () => ({ clientId: 'root', clientSecret: secret }),
  };
}

type Listening = Pick<ServeProcess, 'url'>;

const serve = ({ env }: Place) => startServe(directory, { env, dataDir: env['POSTERN_DATA_DIR'] as string });
const serveHere = ({ env }: Place) => serveInProcess(directory, { env, dataDir: env['POSTERN_DATA_DIR'] as string });
const postern = ({ env }: Place, ...args: string[]) => runInProcess(args, env);

async function createClient({ url }: Listening, token: string): Promise<RootCredentials> {
  const { body } = await call('POST', `${url}/api/v1/oauth/client`, bearer(token), '{"scopes":["scope:read"]}');
  return { clientId: body.client_id, clientSecret: body.client_secret };
}

const revoke = ({ url }: Listening, { clientId, clientSecret }: RootCredentials, token: string) =>
  postForm(`${url}/api/v1/oauth/revoke`, `client_id=${clientId}`, `client_secret=${clientSecret}`, `token=${token}`);

const statusOf = async ({ url }: Listening, token: string) =>
  (await call('GET', `${url}/api/v1/oauth/scope`, bearer(token))).status;

describe.each(['SQLite', 'PostgreSQL'])('on %s', (kind) => {
  test('a backup of a running server brings everything back, says what is valid again, and keeps what it replaces', async () => {
    const place = await newPlace(kind);
    const file = join(directory, `${randomBytes(4).toString('hex')}.db`);
    const before = await serve(place);
    const rootToken = await acquireToken(before.url, place.root());
    const client = await createClient(before, rootToken);
    const token = await acquireToken(before.url, client);
    const backup = await postern(place, 'backup', file, '--json');
    expect([backup.code, backup.stderr]).toEqual([0, '']);
    expect(JSON.parse(backup.stdout)).toMatchObject({ file, audit_sequence: 4 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.`))).toEqual([]);
    // It is one file, also for whoever only reads it.
    expect(existsSync(`${file}-wal`)).toBe(false);

    await revoke(before, client, token);
    const later = await createClient(before, rootToken);
    await call('DELETE', `${before.url}/api/v1/oauth/client/${client.clientId}`, bearer(rootToken));
    expect(await statusOf(before, token)).toBe(401);
    if (kind === 'SQLite') {
      const inUse = await postern(place, 'restore', file, '--replace');
      expect([inUse.code, inUse.stderr]).toEqual([1, expect.stringContaining('is in use: stop the server first')]);
    }
    await before.stop();

    const unasked = await postern(place, 'restore', file);
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('Add --replace')]);
    const restored = await postern(place, 'restore', file, '--replace');
    expect(restored.code, restored.stderr).toBe(0);
    expect(restored.stdout).toContain('is valid again unless the backup does not have it. Decide about each:');
    expect(restored.stdout).toMatch(new RegExp(`the token \\S+ of the client ${client.clientId} was revoked`));
    expect(restored.stdout).toContain(`the client ${client.clientId} was deleted`);
    const [, kept = ''] = /What was there before is in (\S+)\./.exec(restored.stdout) ?? [];
    const after = await serve(place);
    await acquireToken(after.url, client);
    expect(await statusOf(after, token)).toBe(200);
    await expect(acquireToken(after.url, later)).rejects.toThrow(/401/);
    await after.stop();

    // What was replaced is not lost: it can be restored in turn.
    const undone = await postern(place, 'restore', kept, '--replace', '--json');
    expect(JSON.parse(undone.stdout)).toMatchObject({ file: kept, ended: null });
    const again = await serve(place);
    await acquireToken(again.url, later);
    expect(await statusOf(again, token)).toBe(401);
    await again.stop();
  });
});

/** What becomes of something after the backup, and what a restored server must say of it. */
interface Thing {
  readonly credentials: RootCredentials;
  readonly token: string;
}

describe.each(['SQLite', 'PostgreSQL'])('with the audit trail that was shipped, on %s', (kind) => {
  let place: Place;
  let file: string;
  let kid: string;
  let feedKid: string;
  /** Lines of the trail, up to before the signing key was revoked, and all. */
  let trails: { early: string; whole: string };
  const things: Record<string, Thing> = {};
  const ends = { sooner: '2100-01-01T00:00:00.000Z', later: '2200-01-01T00:00:00.000Z' };

  const manage = async ({ url }: Listening, method: string, path: string, body?: unknown) => {
    const token = await acquireToken(url, place.root());
    const answer = await call(
      method,
      `${url}/api/v1/oauth/${path}`,
      bearer(token),
      body === undefined ? undefined : JSON.stringify(body),
    );
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const shipped = async (server: Listening) => {
    const { items } = await manage(server, 'GET', 'events?size=1000');
    return (items as unknown[]).map((event) => `${JSON.stringify(event)}\n`).join('');
  };
  const restore = async (...options: string[]) => {
    const { code, stdout, stderr } = await postern(place, 'restore', file, '--replace', '--json', ...options);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  };
  const writeTrail = (text: string) => {
    const path = join(directory, `${randomBytes(4).toString('hex')}.jsonl`);
    writeFileSync(path, text);
    return path;
  };

  beforeAll(async () => {
    place = await newPlace(kind);
    Object.assign(place.env, { POSTERN_REGISTRATION: 'initial_access_token' });
    file = join(directory, `${randomBytes(4).toString('hex')}.db`);
    const server = await serveHere(place);
    const rootToken = await acquireToken(server.url, place.root());
    for (const name of [
      'untouched',
      'deleted',
      'disabled',
      'enabled',
      'revoked',
      'narrowed',
      'single',
      'rotated',
      'keyed',
      'fenced',
      'opened',
      'ending',
    ]) {
      const credentials = await createClient(server, rootToken);
      things[name] = { credentials, token: await acquireToken(server.url, credentials) };
    }
    const initial = await manage(server, 'POST', 'initial-access-token', { scopes: ['scope:read'] });
    const elsewhere = { allowed_networks: ['192.0.2.0/24'] };
    await manage(server, 'PATCH', `client/${things['opened']?.credentials.clientId}`, elsewhere);
    expect(await postern(place, 'backup', file)).toMatchObject({ code: 0 });

    const pathOf = (name: string) => `client/${things[name]?.credentials.clientId}`;
    await manage(server, 'DELETE', pathOf('deleted'));
    await manage(server, 'PATCH', pathOf('disabled'), { enabled: false });
    await manage(server, 'PATCH', pathOf('enabled'), { enabled: false });
    await manage(server, 'PATCH', pathOf('enabled'), { enabled: true });
    await manage(server, 'POST', `${pathOf('revoked')}/revoke`);
    await manage(server, 'PATCH', pathOf('narrowed'), { scopes: [] });
    const { credentials, token } = things['single'] as Thing;
    await revoke(server, credentials, token);
    await manage(server, 'POST', `${pathOf('rotated')}/secret`, { overlap_seconds: 0 });
    const { d: _d, ...jwk } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    await manage(server, 'PATCH', pathOf('keyed'), {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...jwk, kid: 'new', alg: 'ES256', use: 'sig' }] },
    });
    await manage(server, 'PATCH', pathOf('fenced'), elsewhere);
    await manage(server, 'PATCH', pathOf('opened'), { allowed_networks: null });
    await manage(server, 'PATCH', pathOf('ending'), { expires_at: ends.sooner, token_quota_per_day: 5 });
    await manage(server, 'PATCH', pathOf('ending'), { expires_at: ends.later, token_quota_per_day: 9 });
    await manage(server, 'DELETE', `initial-access-token/${initial.id}`);
    const early = await shipped(server);
    [{ kid }] = (await call('GET', `${server.url}/.well-known/jwks.json`)).body.keys;
    await manage(server, 'POST', `key/${kid}/revoke`);
    [, { kid: feedKid }] = (await call('GET', `${server.url}/.well-known/revocation-feed-jwks.json`)).body.keys;
    await manage(server, 'POST', `key/${feedKid}/revoke`);
    trails = { early, whole: await shipped(server) };
    await server.stop();
  });

  test('--replay-audit ends again what had ended, and nothing else', async () => {
    const answer = await restore('--replay-audit', writeTrail(trails.early));
    const again = (answer.ended as { kind: string; ended_again: boolean }[]).filter((one) => one.ended_again);
    expect(new Set(again.map((one) => one.kind))).toEqual(
      new Set([
        'client.deleted',
        'client.updated',
        'client.revoked',
        'token.revoked',
        'secret.deleted',
        'initial_access_token.deleted',
      ]),
    );
    const server = await serveHere(place);
    const outcomes: Record<string, [token: number, canAuthenticate: boolean]> = {};
    for (const [name, { credentials, token }] of Object.entries(things)) {
      const canAuthenticate = await acquireToken(server.url, credentials).then(
        () => true,
        () => false,
      );
      outcomes[name] = [await statusOf(server, token), canAuthenticate];
    }
    expect(outcomes).toEqual({
      untouched: [200, true],
      deleted: [401, false],
      disabled: [401, false],
      // It may work again, but the tokens from before remain revoked.
      enabled: [401, true],
      revoked: [401, true],
      narrowed: [401, true],
      single: [401, true],
      rotated: [401, false],
      keyed: [200, false],
      fenced: [200, false],
      // What was widened after the backup stays lost.
      opened: [200, false],
      ending: [200, true],
    });
    expect(await manage(server, 'GET', `client/${things['ending']?.credentials.clientId}`)).toMatchObject({
      expires_at: ends.later,
      token_quota_per_day: 9,
    });
    expect(await manage(server, 'GET', 'initial-access-token')).toMatchObject({ items: [] });
    const keyed = await manage(server, 'GET', `client/${things['keyed']?.credentials.clientId}`);
    expect(keyed.jwks.keys).toMatchObject([{ kid: 'new' }]);
    // Whoever verifies the trail finds in it what was done.
    const auditor = await signIn(server.url, place.root());
    const verified = await auditor.run('audit', 'verify', '--replay');
    auditor.forget();
    expect(verified.stdout).toContain('The server has what the events say');
    await server.stop();
  });

  test('a signing key that was revoked stays so, as does a key of the feed, and --revoke-all-tokens ends every token', async () => {
    // The trail in pages, as the API sends them, with events that the backup has too.
    const items = trails.whole
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const pages = [items.slice(0, 7), items.slice(5)].map((page) => `${JSON.stringify({ items: page })}\n`).join('');
    const answer = await restore('--replay-audit', writeTrail(pages), '--revoke-all-tokens');
    expect(answer).toMatchObject({ all_tokens_revoked: true });
    expect(answer.ended).toContainEqual(expect.objectContaining({ kind: 'key.revoked', ended_again: true }));
    const server = await serveHere(place);
    const { keys } = (await call('GET', `${server.url}/.well-known/jwks.json`)).body;
    expect(keys.map((key: { kid: string }) => key.kid)).not.toContain(kid);
    expect(keys.length).toBeGreaterThan(0);
    const feed = (await call('GET', `${server.url}/.well-known/revocation-feed-jwks.json`)).body.keys;
    expect(feed.map((key: { kid: string }) => key.kid)).not.toContain(feedKid);
    await server.stop();

    expect(await restore('--revoke-all-tokens')).toMatchObject({ all_tokens_revoked: true });
    const again = await serveHere(place);
    const { credentials, token } = things['untouched'] as Thing;
    expect(await statusOf(again, token)).toBe(401);
    expect(await statusOf(again, await acquireToken(again.url, credentials))).toBe(200);
    await again.stop();
  });

  test('a trail that is changed, incomplete or of another history is refused, and nothing is restored', async () => {
    const lines = trails.early.trim().split('\n');
    const events = lines.map((line) => JSON.parse(line));
    const text = (changed: unknown[]) => changed.map((event) => JSON.stringify(event)).join('\n');
    const last = events.length - 1;
    const cases: [string, RegExp][] = [
      [text(events.with(last, { ...events[last], subject: 'somebody-else' })), /does not match its hash/],
      [text(events.toSpliced(last - 2, 1)), /is missing/],
      [text([{ ...events[last], sequence: 1_000 }]), /is missing/],
      [text(events.map((event) => ({ ...event, hash: 'A'.repeat(43) }))), /is of another history/],
      [lines.slice(0, 3).join('\n'), /has no events after event/],
      [trails.early.slice(0, -20), new RegExp(`line ${lines.length} of .* is not an event of an audit trail`)],
      ['', /has no events after event/],
    ];
    for (const [trail, message] of cases) {
      const { code, stderr } = await postern(place, 'restore', file, '--replace', '--replay-audit', writeTrail(trail));
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
  });
});

describe('on either database', () => {
  let place: Place;
  let file: string;

  beforeAll(async () => {
    place = await newPlace('SQLite');
    file = join(directory, 'whole.db');
    await (await serveHere(place)).stop();
    expect(await postern(place, 'backup', file)).toMatchObject({ code: 0 });
  });

  /** A data directory with the secrets of the server only, as on a new machine. */
  const newMachine = (): Place => {
    const dataDir = join(directory, randomBytes(4).toString('hex'));
    mkdirSync(dataDir);
    for (const name of ['master.key', 'root.env']) {
      cpSync(join(place.env['POSTERN_DATA_DIR'] as string, name), join(dataDir, name));
    }
    return { ...place, env: { ...place.env, POSTERN_DATA_DIR: dataDir } };
  };

  test('a backup moves between databases: one of SQLite is restored to PostgreSQL', async () => {
    const { clientId, clientSecret } = place.root();
    const there = {
      ...place,
      env: {
        ...newMachine().env,
        DATABASE_URL: await newDatabase(),
        OAUTH_ROOT_CLIENT_ID: clientId,
        OAUTH_ROOT_CLIENT_SECRET: clientSecret,
      },
    };
    expect(await postern(there, 'restore', file)).toMatchObject({ code: 0 });
    expect(await postern(there, 'restore', file)).toMatchObject({ code: 1 });
  });

  test('nothing is overwritten, and what is no backup is not restored', async () => {
    const cases: [string[], RegExp][] = [
      [['backup', file], /whole\.db already exists: name another file/],
      [['backup', join(directory, 'no', 'where.db')], /cannot write .*where\.db.*ENOENT/],
      [['restore', join(directory, 'missing.db')], /missing\.db is not intact: it cannot be read/],
      [['restore', join(directory, 'text.db')], /text\.db is not intact: it cannot be read \(file is not a database/],
      [['restore', join(directory, 'dogs.db')], /dogs\.db has no tables of Postern/],
      [['restore', join(directory, 'cut.db')], /cut\.db is not intact: it /],
    ];
    writeFileSync(join(directory, 'text.db'), 'Dear diary. '.repeat(500));
    const dogs = new DatabaseSync(join(directory, 'dogs.db'));
    dogs.exec('create table dogs (name text)');
    dogs.close();
    const { size } = statSync(file);
    cpSync(file, join(directory, 'cut.db'));
    truncateSync(join(directory, 'cut.db'), Math.floor(size / 2));
    const machine = newMachine();
    for (const [args, message] of cases) {
      const { code, stderr } = await postern(machine, ...args);
      expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    }
    expect(readdirSync(machine.env['POSTERN_DATA_DIR'] as string).toSorted()).toEqual(['master.key', 'root.env']);
  });

  test('a backup is not restored under another master key, or none', async () => {
    const machine = newMachine();
    const key = join(machine.env['POSTERN_DATA_DIR'] as string, 'master.key');
    writeFileSync(key, randomBytes(32).toString('base64'));
    const other = await postern(machine, 'restore', file);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('does not open the signing keys')]);
    rmSync(key);
    const none = await postern(machine, 'restore', file);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there is no master key')]);
    expect(existsSync(key)).toBe(false);
  });
});
