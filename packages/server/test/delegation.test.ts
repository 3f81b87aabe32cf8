/**
 * Assigning scopes: whatever a client does, also through clients that it created, no client ends up with a scope that
 * the first one could not have assigned itself. As a property over sequences of changes, and as examples over HTTP.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import { type TestDatabase, testDatabase } from '@postern/testing/test-database';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openAuthorizationDetailsTypeRegistry } from '../src/authorization-details/authorization-details-type-registry.ts';
import {
  type ClientAdministration,
  createClientAdministration,
} from '../src/client-administration/client-administration.ts';
import type { Client, ClientChange } from '../src/clients/client.ts';
import { findClient } from '../src/clients/client-store.ts';
import { createFindActor } from '../src/clients/find-actor.ts';
import { createRecheckInTransaction } from '../src/clients/recheck-in-transaction.ts';
import { createRootClient } from '../src/clients/root-client.ts';
import { readRootStatus } from '../src/clients/root-status.ts';
import { type DelegationMode, readConfig } from '../src/config/config.ts';
import { createActorScopes } from '../src/delegation/actor-scopes.ts';
import { createAdminister } from '../src/delegation/administer.ts';
import { openEventLog } from '../src/events/event-log.ts';
import { type Installation, openInstallation } from '../src/installation.ts';
import { openResourceRegistry } from '../src/resources/resource-registry.ts';
import { defaultScopes } from '../src/scopes/default-scopes.ts';
import { loadScopes, type OwnScopes, openOwnScopes } from '../src/scopes/own-scopes.ts';

const administrative = ['client:create', 'client:update', 'client:delete', 'client:read'];
const ordinary = ['policy:read', 'policy:delete', 'rule:read'];

/** Stands in attempts for a scope that is added, or not, while they are made. */
const later = 'later';

/**
 * What the manual says a client may assign, spelled out again for the scopes that these tests use. `added` is the name
 * of the scope that is not there yet.
 */
function mayAssign(
  { scopes, grantableScopes }: Pick<Client, 'scopes' | 'grantableScopes'>,
  mode: DelegationMode,
  added: string,
) {
  if (grantableScopes !== null) {
    return scopes.union(grantableScopes);
  }
  return new Set(
    mode === 'registry' && scopes.has('client:create') ? [...ordinary, added] : ordinary.filter((n) => scopes.has(n)),
  );
}

/** One change that somebody tries. The numbers choose among the clients and tokens that there are by then. */
interface Attempt {
  readonly verb: 'create' | 'change' | 'remove' | 'add scope';
  /** Of the clients whose credentials the attacker has. */
  readonly by: number;
  /** The scopes that its token asks for. Undefined: all that the client has. */
  readonly tokenScopes: readonly string[] | undefined;
  /** Of the tokens that it got earlier. Undefined: a new one. */
  readonly oldToken: number | undefined;
  /** Of all clients. */
  readonly target: number;
  readonly change: ClientChange;
}

const names = fc.oneof(
  fc.subarray([...ordinary, later]),
  fc.subarray([...administrative, ...ordinary, later]),
  fc.constant(['client:create']),
);
const everything = defaultScopes.map(({ name }) => name);
const grantable = fc.oneof(fc.constant(null), names, fc.constant(everything));
const seeds = fc.array(
  fc.record({
    scopes: fc.subarray([...administrative, ...ordinary]),
    grantableScopes: grantable.filter((listed) => !listed?.some((name) => name === later)),
  }),
  {
    minLength: 2,
    maxLength: 4,
  },
);
const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const attempt: fc.Arbitrary<Attempt> = fc.record({
  verb: fc.constantFrom('create', 'create', 'create', 'change', 'change', 'change', 'remove', 'add scope'),
  by: fc.nat(9),
  tokenScopes: seldom(names),
  oldToken: seldom(fc.nat(9)),
  target: fc.nat(9),
  change: fc.record(
    { scopes: names, grantableScopes: grantable, enabled: fc.boolean(), name: fc.constant('x') },
    { requiredKeys: [] },
  ),
});

const issuer = 'https://auth.example.com';
/** Every step is a transaction, and PostgreSQL is asked over a socket. */
const numRuns = inject('postgres') === undefined ? 300 : 50;

describe.each<DelegationMode>(['registry', 'held'])('with POSTERN_DELEGATION=%s', (mode) => {
  let dataDir: string;
  let database: TestDatabase;
  let installation: Installation;
  let administration: ClientAdministration;
  let ownScopes: OwnScopes;
  let root: Client;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'postern-delegation-'));
    database = await testDatabase(dataDir);
    installation = await openInstallation(readConfig({ POSTERN_DATA_DIR: dataDir, ...database.env }));
    const { db, driver, masterKey } = installation;
    const findActor = createFindActor({ root: installation.root, masterKey, loadScopes });
    const requireActive = createRecheckInTransaction({ issuer, findActor });
    const events = await openEventLog({ db, driver, requireActive, maxStalenessSeconds: 60, now: Date.now });
    ownScopes = await openOwnScopes({ db, events, findResources: () => [] });
    const { registry } = ownScopes;
    root = createRootClient(
      { root: installation.root, masterKey, registry },
      await readRootStatus(db, installation.root, masterKey),
    );
    const delegation = { mode, registry };
    const actorScopesOf = createActorScopes({ findActor, delegation, loadScopes });
    administration = createClientAdministration({
      events,
      masterKey,
      root: installation.root,
      delegation,
      actorScopesOf,
      administer: createAdminister({ events, delegation, actorScopesOf }),
      resources: await openResourceRegistry(db, events, issuer),
      detailsTypes: await openAuthorizationDetailsTypeRegistry(db, events),
      now: Date.now,
    });
  });
  afterAll(async () => {
    await installation.db.destroy();
    rmSync(dataDir, { recursive: true });
    await database.drop();
  });

  const find = (id: string) => findClient(installation.db, id);
  const tokenOf = (client: Client, scopes: ReadonlySet<string> = client.scopes): AccessToken => ({
    issuer,
    audience: [issuer],
    subject: client.id,
    clientId: client.id,
    jti: '',
    scopes,
    generation: client.generation,
    issuedAt: 0,
    expiresAt: 0,
    confirmation: undefined,
    claims: {},
  });

  /** Makes the attempt; the new client's id where it made one. Refusals are what is hoped for, and no other error. */
  async function make({ verb, change }: Attempt, token: AccessToken, target: string): Promise<string | undefined> {
    try {
      if (verb === 'create') {
        return (await administration.create(token, change)).clientId;
      }
      await (verb === 'change' ? administration.change(token, target, change) : administration.remove(token, target));
      return target;
    } catch (error) {
      const refusals = ['access_denied', 'invalid_token', 'not_found', 'invalid_parameter'];
      if (error instanceof OAuthError && refusals.includes(error.code)) {
        return undefined;
      }
      throw error;
    }
  }

  test('no sequence of changes gives any client a scope that its first maker could not have assigned', async () => {
    const done = { create: 0, change: 0, remove: 0, 'add scope': 0 };
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(seeds, fc.array(attempt, { minLength: 1, maxLength: 15 }), async (seeds, attempts) => {
        runs += 1;
        const added = `later:${runs}`;
        const named = (wanted?: readonly string[]) => wanted?.map((name) => (name === later ? added : name));
        const clients: string[] = [];
        for (const seed of seeds) {
          clients.push((await administration.create(tokenOf(root), seed)).clientId);
        }
        const controlled = clients.slice(0, 1);
        const limit = mayAssign((await find(controlled[0] as string)) as Client, mode, added);
        const tokens: AccessToken[] = [];

        for (const attempted of attempts) {
          if (attempted.verb === 'add scope') {
            await ownScopes.save(tokenOf(root), [{ name: added, description: 'Comes later' }]);
            done[attempted.verb] += 1;
            continue;
          }
          const { scopes, grantableScopes } = attempted.change;
          const change = {
            ...attempted.change,
            ...(scopes && { scopes: named(scopes) as string[] }),
            ...(grantableScopes && { grantableScopes: named(grantableScopes) as string[] }),
          };
          const by = await find(controlled[attempted.by % controlled.length] as string);
          if (by !== undefined) {
            tokens.push(tokenOf(by, by.scopes.intersection(new Set(named(attempted.tokenScopes) ?? by.scopes))));
          }
          const token = attempted.oldToken === undefined ? tokens.at(-1) : tokens[attempted.oldToken % tokens.length];
          if (token === undefined) {
            continue;
          }
          const target = clients[attempted.target % clients.length] as string;
          const before = await find(target);
          const touched = await make({ ...attempted, change }, token, target);
          if (touched === undefined) {
            expect(await find(target)).toEqual(before);
            continue;
          }
          done[attempted.verb] += 1;
          const after = await find(touched);
          expect([...(after?.scopes ?? [])].filter((scope) => !limit.has(scope))).toEqual([]);
          if (attempted.verb === 'create') {
            clients.push(touched);
            controlled.push(touched);
          } else {
            // Nobody puts hands on a client that holds more than it could give.
            expect([...(before?.scopes ?? [])].filter((scope) => !limit.has(scope))).toEqual([]);
          }
        }
      }),
      { numRuns },
    );
    // It found ways to do what is allowed, or it would have shown nothing.
    expect(Math.min(...Object.values(done))).toBeGreaterThan(numRuns / 50);
  }, 120_000);
});

describe('over HTTP', () => {
  let server: TestServer;
  let root: string;
  beforeAll(async () => {
    server = await startTestServer();
    root = await server.rootToken();
  });
  afterAll(() => server.close());

  const path = '/api/v1/oauth/client';
  const tokenOf = async (body: unknown, scope?: string) => server.token(await server.createClient(body), scope);
  const create = (token: string, body: unknown) => server.call('POST', path, { token, body });
  const change = (token: string, { clientId }: Credentials, body: unknown) =>
    server.call('PATCH', `${path}/${clientId}`, { token, body });
  const read = async ({ clientId }: Credentials) =>
    (await server.call('GET', `${path}/${clientId}`, { token: root })).body;

  /** Expects a refusal that names the scope it is about. */
  async function expectRefused(pending: Promise<{ status: number; body: unknown }>, scope: string): Promise<void> {
    const { status, body } = await pending;
    expect([status, body]).toEqual([403, { error: 'access_denied', detail: expect.stringContaining(scope) }]);
  }

  describe('a client with nothing but client:create', () => {
    let maker: string;
    beforeAll(async () => {
      maker = await tokenOf(['client:create']);
    });

    test('makes the client of the how-to', async () => {
      const { status, body } = await create(maker, { scopes: ['policy:read', 'rule:read'] });
      expect(status).toBe(200);
      const token = await server.token({ clientId: body.client_id, clientSecret: body.client_secret });
      expect(token).toEqual(expect.any(String));
    });

    test('makes one with every scope that does not administer Postern', async () => {
      const scopes = defaultScopes.filter((scope) => !scope.administrative).map(({ name }) => name);
      expect(scopes).toHaveLength(45);
      expect((await create(maker, { scopes })).status).toBe(200);
    });

    test.each(administrative)('makes none that holds %s', async (scope) => {
      await expectRefused(create(maker, [scope]), scope);
      await expectRefused(create(maker, { scopes: ['policy:read', scope], grantable_scopes: [] }), scope);
    });

    test.each(administrative)('creates none that could assign %s', async (scope) => {
      await expectRefused(create(maker, { grantable_scopes: [scope] }), scope);
    });

    test('changes and deletes none, its own among them', async () => {
      const { clientId } = await server.createClient([]);
      for (const [method, body] of [
        ['PATCH', {}],
        ['PUT', {}],
        ['DELETE', undefined],
      ] as const) {
        const { status, body: answer } = await server.call(method, `${path}/${clientId}`, { token: maker, body });
        expect([status, answer.error]).toEqual([403, 'insufficient_scope']);
      }
    });

    test('with grantable_scopes of its own it assigns those and what it holds, and no more', async () => {
      const narrow = await tokenOf({ scopes: ['client:create', 'rule:read'], grantable_scopes: ['policy:read'] });
      expect((await create(narrow, ['policy:read', 'rule:read'])).status).toBe(200);
      await expectRefused(create(narrow, ['policy:delete']), 'policy:delete');
    });

    test('with no grantable_scopes but an empty list it assigns what it holds', async () => {
      const narrow = await tokenOf({ scopes: ['client:create', 'rule:read'], grantable_scopes: [] });
      expect((await create(narrow, ['rule:read'])).status).toBe(200);
      await expectRefused(create(narrow, ['policy:read']), 'policy:read');
    });
  });

  describe('grantable_scopes null', () => {
    test('does not widen a client that its maker narrows itself', async () => {
      const narrow = await tokenOf({ scopes: ['client:create'], grantable_scopes: ['policy:read'] });
      // With client:create and null it could assign the whole registry, which its creator may not.
      for (const body of [{ scopes: ['client:create'] }, { scopes: ['client:create'], grantable_scopes: null }]) {
        const { status, body: answer } = await create(narrow, body);
        expect([status, answer.error]).toEqual([403, 'access_denied']);
        expect(answer.detail).toMatch(/^The client could assign the scope \S+, .* narrow its grantable_scopes\.$/);
      }
      expect((await create(narrow, { scopes: ['client:create'], grantable_scopes: ['policy:read'] })).status).toBe(200);
    });

    test('cannot be set later, by whoever is narrowed', async () => {
      const editor = await tokenOf({ scopes: ['client:create', 'client:update'], grantable_scopes: ['policy:read'] });
      const { body } = await create(editor, { scopes: ['client:create'], grantable_scopes: ['policy:read'] });
      const made = { clientId: body.client_id, clientSecret: body.client_secret };
      expect((await change(editor, made, { grantable_scopes: null })).status).toBe(403);
      expect((await change(editor, made, { grantable_scopes: [] })).status).toBe(200);
      expect((await read(made)).grantable_scopes).toEqual([]);
    });

    test('cannot be set on itself', async () => {
      const credentials = await server.createClient({
        scopes: ['client:create', 'client:update'],
        grantable_scopes: ['policy:read'],
      });
      const token = await server.token(credentials);
      expect((await change(token, credentials, { grantable_scopes: null })).status).toBe(403);
      await expectRefused(change(token, credentials, { scopes: ['policy:delete'] }), 'policy:delete');
      expect((await read(credentials)).grantable_scopes).toEqual(['policy:read']);
    });
  });

  describe('a client that administers clients', () => {
    test.each([['client:update'], ['client:create', 'client:update', 'client:delete', 'client:read']])(
      'cannot change itself, with %s and more',
      async (...scopes) => {
        const credentials = await server.createClient([...scopes, 'policy:read']);
        const token = await server.token(credentials);
        const before = await read(credentials);
        for (const body of [
          { scopes: [...administrative, 'policy:read'] },
          { grantable_scopes: administrative },
          { access_token_ttl_seconds: 315_360_000 },
          { scopes: [] },
          { name: 'x' },
          {},
        ]) {
          expect((await change(token, credentials, body)).status).toBe(403);
        }
        expect(await read(credentials)).toEqual(before);
      },
    );

    test('cannot change, disable or delete a client that holds more', async () => {
      const token = await tokenOf(['client:update', 'client:delete', 'policy:read']);
      for (const scopes of [['policy:delete'], ['policy:read', 'client:read']]) {
        const more = await server.createClient(scopes);
        const before = await read(more);
        for (const body of [{ name: 'x' }, { enabled: false }, { scopes: [] }, { scopes: ['policy:read'] }]) {
          await expectRefused(change(token, more, body), scopes.at(-1) as string);
        }
        const target = `${path}/${more.clientId}`;
        await expectRefused(server.call('PUT', `${target}/scope`, { token, body: [] }), scopes.at(-1) as string);
        await expectRefused(server.call('DELETE', target, { token }), scopes.at(-1) as string);
        expect(await read(more)).toEqual(before);
      }
    });

    test('nor one that could assign more', async () => {
      const token = await tokenOf(['client:update', 'client:delete', 'policy:read']);
      const more = await server.createClient({ scopes: ['policy:read'], grantable_scopes: ['policy:delete'] });
      await expectRefused(change(token, more, { grantable_scopes: [] }), 'policy:delete');
      await expectRefused(server.call('DELETE', `${path}/${more.clientId}`, { token }), 'policy:delete');
    });

    test('changes, disables and deletes one that holds no more', async () => {
      const token = await tokenOf(['client:update', 'client:delete', 'policy:read', 'rule:read']);
      const less = await server.createClient(['policy:read']);
      expect((await change(token, less, { enabled: false, scopes: ['rule:read'] })).status).toBe(200);
      expect((await server.call('DELETE', `${path}/${less.clientId}`, { token })).status).toBe(204);
    });

    test('assigns with a narrowed token no more than the token holds', async () => {
      const scopes = ['client:update', 'policy:read', 'rule:read'];
      const token = await tokenOf(scopes, 'client:update rule:read');
      const target = await server.createClient([]);
      expect((await change(token, target, { scopes: ['rule:read'] })).status).toBe(200);
      await expectRefused(change(token, target, { scopes: ['policy:read'] }), 'policy:read');
    });

    test('assigns administrative scopes only if grantable_scopes name them', async () => {
      const token = await tokenOf({ scopes: ['client:create'], grantable_scopes: ['client:read'] });
      expect((await create(token, ['client:read'])).status).toBe(200);
      await expectRefused(create(token, ['client:update']), 'client:update');
    });
  });

  test('with POSTERN_DELEGATION=held, client:create alone makes clients without scopes only', async () => {
    const held = await startTestServer({ env: { POSTERN_DELEGATION: 'held' } });
    try {
      const token = await held.token(await held.createClient(['client:create']));
      expect((await held.call('POST', path, { token, body: [] })).status).toBe(200);
      await expectRefused(held.call('POST', path, { token, body: ['policy:read'] }), 'policy:read');
      const richer = await held.token(await held.createClient(['client:create', 'policy:read']));
      expect((await held.call('POST', path, { token: richer, body: ['policy:read'] })).status).toBe(200);
      await expectRefused(held.call('POST', path, { token: richer, body: ['client:create'] }), 'client:create');
    } finally {
      await held.close();
    }
  });
});
