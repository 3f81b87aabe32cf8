/** `postern audit`: the trail as it comes, and whoever changes it by hand is found. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SignedIn, signIn } from './signed-in.ts';

let server: TestServer;
let auditor: SignedIn;

beforeEach(async () => {
  server = await startTestServer();
  const credentials = await server.createClient({ scopes: ['audit:read'] });
  auditor = await signIn(server.url, credentials);
  await server.createClient({ name: 'first', scopes: ['policy:read'] });
  await server.createClient({ name: 'second', scopes: ['rule:read'] });
});
afterEach(async () => {
  auditor.forget();
  await server.close();
});

const events = () => server.db.selectFrom('events').selectAll().orderBy('sequence').execute();

/** What somebody does who can write the database and knows how hashes are made: the log from `from` on, with new hashes. */
async function rewriteFrom(from: number): Promise<void> {
  const { log_id } = await server.db.selectFrom('event_head').selectAll().executeTakeFirstOrThrow();
  let hash = log_id;
  let last = 0;
  for (const { sequence, occurred_at, actor, kind, subject, data } of await events()) {
    hash = createHash('sha256')
      .update(JSON.stringify([hash, sequence, occurred_at, actor, kind, subject, data]))
      .digest('base64url');
    last = sequence;
    if (sequence >= from) {
      await server.db.updateTable('events').set({ hash }).where('sequence', '=', sequence).execute();
    }
  }
  await server.db.updateTable('event_head').set({ hash, sequence: last }).execute();
}

async function keepCheckpoint(): Promise<string> {
  const file = join(auditor.home, 'checkpoint.json');
  writeFileSync(file, (await auditor.run('audit', 'checkpoint')).stdout);
  return file;
}

describe('audit tail', () => {
  test('shows the last events, oldest first, filtered, as sentences or as a JSON object a line', async () => {
    const all = await events();
    const { stdout } = await auditor.run('audit', 'tail', '--lines', '3');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => Number(line.split('  ')[1])),
    ).toEqual(all.slice(-3).map(({ sequence }) => sequence));
    const { stdout: json } = await auditor.run('audit', 'tail', '--kind', 'client.created', '--lines', '2', '--json');
    expect(
      json
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).data.name),
    ).toEqual(['first', 'second']);
    expect(json).not.toContain(server.root.clientSecret);
  });

  test('--follow continues with new events', async () => {
    const main = fileURLToPath(new URL('../bin/postern.js', import.meta.url));
    const env = { HOME: auditor.home, XDG_CONFIG_HOME: join(auditor.home, 'config') };
    const child = spawn(process.execPath, [main, 'audit', 'tail', '--lines', '1', '--follow', '--kind', 'client.'], {
      env,
    });
    try {
      let output = '';
      const seen = (text: string) =>
        new Promise<void>((resolve) => {
          const look = () => void (output.includes(text) && resolve());
          child.stdout.on('data', look);
          look();
        });
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      await seen('"second"');
      await server.createClient({ name: 'third' });
      await seen('"third"');
      expect(output).not.toContain('"first"');
    } finally {
      child.kill();
    }
  });

  test('a kind that does not exist is refused, and the error lists those that exist', async () => {
    const { code, stderr } = await auditor.run('audit', 'tail', '--kind', 'cleint.');
    expect([code, stderr]).toEqual([1, expect.stringContaining('client.created')]);
  });

  test('without audit:read it says which scope is missing', async () => {
    const other = await signIn(server.url, await server.createClient({ scopes: ['policy:read'] }));
    const { code, stderr } = await other.run('audit', 'tail', '--json');
    other.forget();
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toMatchObject({
      error: 'insufficient_scope',
      detail: expect.stringContaining('audit:read'),
      exit_code: 4,
    });
  });
});

test('audit tail and audit export name clients, also those that were deleted, and take a time', async () => {
  const { items } = (await server.call('GET', '/api/v1/oauth/client?search=first', { token: await server.rootToken() }))
    .body;
  const [{ client_id: id }] = items;
  await server.call('DELETE', `/api/v1/oauth/client/${id}`, { token: await server.rootToken() });
  const { stdout: tail } = await auditor.run('audit', 'tail', '--kind', 'client.deleted');
  expect(tail).toContain(`  first (${id})  by `);
  const until = new Date(server.now() - 1).toISOString();
  expect((await auditor.run('audit', 'tail', '--until', until)).stdout).toBe('');
  expect((await auditor.run('audit', 'tail', '--from', 'soon')).stderr).toContain('2026-11-01');

  const { stdout: lines } = await auditor.run('audit', 'export', '--from', until);
  const exported = lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(exported.map(({ sequence }) => sequence)).toEqual((await events()).map(({ sequence }) => sequence));
  expect(exported.find(({ kind }) => kind === 'client.deleted')).toMatchObject({ subject: id, subject_name: 'first' });
  const { stdout: csv } = await auditor.run('audit', 'export', '--format', 'csv', '--kind', 'client.deleted');
  const [head, row, end] = csv.split('\r\n');
  expect(head).toBe('"sequence","occurred_at","kind","subject","subject_name","actor","actor_name","data","hash"');
  expect(row).toContain(`"client.deleted","${id}","first",`);
  expect(end).toBe('');
});

test('audit show prints what a change was before, and what it is since', async () => {
  const token = await server.rootToken();
  const { clientId } = await server.createClient({ name: 'third', scopes: ['rule:read'] });
  const path = `/api/v1/oauth/client/${clientId}`;
  await server.call('PATCH', path, { token, body: { name: 'fourth', scopes: ['rule:read', 'policy:read'] } });
  const { sequence } = (await events()).at(-1) ?? { sequence: 0 };
  const shown = await auditor.json('audit', 'show', String(sequence));
  expect(shown).toMatchObject({
    kind: 'client.updated',
    subject_name: 'fourth',
    changes: [
      { name: 'name', before: 'third', after: 'fourth' },
      { name: 'scopes', before: ['rule:read'], after: ['rule:read', 'policy:read'] },
    ],
  });
  const { stdout } = await auditor.run('audit', 'show', String(sequence));
  expect(stdout).toMatch(/MEMBER +BEFORE +AFTER\nname +third +fourth\n/);
  const missing = await auditor.run('audit', 'show', '999');
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('there is no event 999')]);
});

describe('audit verify', () => {
  test('an unchanged log is intact, with and without a checkpoint, also after more was written', async () => {
    const count = (await events()).length;
    const { code, stdout } = await auditor.run('audit', 'verify');
    expect([code, stdout]).toEqual([0, `All ${count} events are intact.\n`]);
    const file = await keepCheckpoint();
    await server.createClient({});
    expect(await auditor.json('audit', 'verify', '--checkpoint', file)).toMatchObject({
      intact: true,
      checkpoint: count,
      broken_at: null,
    });
  });

  test.each<[string, Partial<Record<'data' | 'actor' | 'occurred_at' | 'hash', string>>]>([
    ['data', { data: '{"name":"somebody else"}' }],
    ['actor', { actor: 'somebody-else' }],
    ['time', { occurred_at: '2020-01-01T00:00:00.000Z' }],
    ['hash', { hash: 'A'.repeat(43) }],
  ])('a row whose %s was changed by hand is named', async (_, change) => {
    // The types forbid it, for events never change.
    await server.db
      .updateTable('events')
      .set(change as never)
      .where('sequence', '=', 4)
      .execute();
    const { code, stdout } = await auditor.run('audit', 'verify');
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/event 4 \(.* does not match its hash.*The 3 events before are intact\./),
    ]);
    const { code: codeOfJson, stdout: json } = await auditor.run('audit', 'verify', '--json');
    expect([codeOfJson, JSON.parse(json)]).toEqual([
      1,
      expect.objectContaining({ intact: false, broken_at: 4, verified: 3 }),
    ]);
  });

  test('a row that was changed cannot write to the terminal what verify would say of a log that holds', async () => {
    const subject = '\u001b[2K\rAll 9 events are intact.\n';
    await server.db
      .updateTable('events')
      .set({ subject } as never)
      .where('sequence', '=', 4)
      .execute();
    const { stdout } = await auditor.run('audit', 'verify');
    expect(stdout).toMatch(/^The audit trail was tampered with: .* The 3 events before are intact\.\n$/);
    expect(stdout).not.toMatch(/\p{Cc}(?!$)/u);
  });

  test('an event that was removed is named, in the middle and at the end', async () => {
    await server.db.deleteFrom('events').where('sequence', '=', 3).execute();
    expect((await auditor.run('audit', 'verify')).stdout).toMatch(/event 3 is missing: after 2 comes 4/);
  });

  test('events that were removed at the end are noticed', async () => {
    const count = (await events()).length;
    await server.db
      .deleteFrom('events')
      .where('sequence', '>', count - 2)
      .execute();
    const { code, stdout } = await auditor.run('audit', 'verify');
    expect([code, stdout]).toEqual([1, expect.stringContaining(`the log ends after event ${count - 2}`)]);
  });

  test('a log that was rewritten without the master key is found by the server, and by an earlier checkpoint', async () => {
    const file = await keepCheckpoint();
    await server.db.updateTable('events').set({ actor: 'somebody-else' }).where('sequence', '=', 2).execute();
    await rewriteFrom(2);
    const verified = await auditor.run('audit', 'verify');
    expect([verified.code, verified.stdout]).toEqual([
      1,
      expect.stringMatching(/event 2 .* was not written by this server/),
    ]);
    expect((await auditor.run('audit', 'checkpoint')).code).toBe(1);
    const { code, stdout } = await auditor.run('audit', 'verify', '--checkpoint', file);
    expect([code, stdout]).toEqual([1, expect.stringContaining('the log was rewritten')]);
  });

  test('a log that was truncated and continued is shorter than its checkpoint', async () => {
    const file = await keepCheckpoint();
    await server.db.deleteFrom('events').where('sequence', '>', 2).execute();
    await rewriteFrom(3);
    const verified = await auditor.run('audit', 'verify');
    expect([verified.code, verified.stdout]).toEqual([1, expect.stringContaining('the last ones were removed')]);
    const { code, stdout } = await auditor.run('audit', 'verify', '--checkpoint', file);
    expect([code, stdout]).toEqual([1, expect.stringContaining('the log ends at event 2')]);
  });

  test('a checkpoint of another log, a changed one and a file that is no checkpoint are refused', async () => {
    const other = await startTestServer();
    const stranger = await signIn(other.url, other.root);
    const file = join(auditor.home, 'other.json');
    const { stdout } = await stranger.run('audit', 'checkpoint');
    writeFileSync(file, stdout);
    stranger.forget();
    await other.close();
    expect((await auditor.run('audit', 'verify', '--checkpoint', file)).stdout).toContain(
      'the checkpoint is of the log',
    );
    writeFileSync(file, JSON.stringify({ ...JSON.parse(stdout), sequence: 1 }));
    expect(await auditor.run('audit', 'verify', '--checkpoint', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('was changed after it was signed'),
    });
    writeFileSync(file, '{}');
    expect((await auditor.run('audit', 'verify', '--checkpoint', file)).code).toBe(2);
  });
});

describe('audit verify --replay', () => {
  let root: SignedIn;
  let changed: string;
  beforeEach(async () => {
    root = await signIn(server.url, server.root);
    const call = async (method: string, path: string, body: object) => {
      const answer = await server.call(method, `/api/v1/oauth/${path}`, { token: await server.rootToken(), body });
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    };
    await call('PUT', 'scope', { name: 'invoice:read', description: 'Read invoices' });
    await call('PUT', 'resource', { key: 'api', identifier: 'https://api.example.com', scopes: ['invoice:read'] });
    await call('PUT', 'authorization-details-type', { type: 'payment', schema: { type: 'object' } });
    const { clientId } = await server.createClient({ name: 'changed', scopes: ['policy:read'], resources: [] });
    changed = clientId;
    await call('PUT', 'issuer', {
      key: 'ci',
      issuer: 'https://ci.example.com',
      jwks_uri: 'https://ci.example.com/jwks',
      rules: [{ client_id: clientId, claims: { sub: 'deploy' } }],
    });
    await call('PATCH', `client/${clientId}`, { description: 'x', enabled: false, access_token_ttl_seconds: 300 });
    await call('PATCH', `client/${clientId}`, {
      name: null,
      enabled: true,
      scopes: ['rule:read', 'invoice:read'],
      resources: ['https://api.example.com'],
    });
    await call('POST', `client/${clientId}/secret`, { overlap_seconds: 0 });
    await call('POST', 'key/rotate', {});
  });
  afterEach(() => root.forget());

  const replayed = async () => {
    const { code, stdout, stderr } = await root.run('audit', 'verify', '--replay', '--json');
    expect(stderr).toBe('');
    const { differences, intact } = JSON.parse(stdout) as { differences: string[]; intact: boolean };
    expect([code, intact]).toEqual([differences.length === 0 ? 0 : 1, true]);
    return differences;
  };

  test('a server on which every change has its event has no differences', async () => {
    expect(await replayed()).toEqual([]);
    expect((await root.run('audit', 'verify', '--replay')).stdout).toMatch(
      /The server has what the events say\.\nNot compared: .*policies/,
    );
  });

  test.each<[string, RegExp, () => Promise<unknown>]>([
    [
      'a client with more scopes',
      /^scopes of the client .* is .*client:create/,
      () => server.db.updateTable('clients').set({ scopes: '["client:create"]' }).where('id', '=', changed).execute(),
    ],
    [
      'a client that was enabled or has another lifetime',
      /^access_token_ttl_seconds of the client /,
      () => server.db.updateTable('clients').set({ access_token_ttl_seconds: 9 }).where('id', '=', changed).execute(),
    ],
    [
      'a client that was deleted',
      /^the client .* is missing/,
      () => server.db.deleteFrom('clients').where('id', '=', changed).execute(),
    ],
    [
      'a secret that nobody created',
      /has the secret smuggled: no event/,
      () =>
        server.db
          .insertInto('client_secrets')
          .values({
            id: 'smuggled',
            client_id: changed,
            digest: 'x',
            last_four: 'xxxx',
            created_at: '2026-01-01T00:00:00.000Z',
            expires_at: null,
            last_used_at: null,
          })
          .execute(),
    ],
  ])('%s is found', async (_change, difference, act) => {
    await act();
    expect(await replayed()).toEqual([expect.stringMatching(difference)]);
  });
});
