/** Token exchange over HTTP. RFC 8693. */
import { randomUUID } from 'node:crypto';
import {
  type Answer,
  type Credentials,
  claimsOf,
  startTestServer,
  type TestServer,
} from '@postern/testing/test-server';
import fc from 'fast-check';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const tokenPath = '/api/v1/oauth/token';
const clientPath = '/api/v1/oauth/client';
const api = 'https://api.example.com';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const grant_types = ['client_credentials', grantType];
const apiScopes = ['policy:read', 'rule:read', 'rule:delete'];

let server: TestServer;
let root: string;
/** Asks the API for something. */
let caller: Credentials;
/** Acts for the API, as its gateway does, and so do the others. */
let gateway: Credentials;
let gateways: Credentials[];

beforeAll(async () => {
  server = await startTestServer();
  root = await server.rootToken();
  const resource = { key: 'api', identifier: api, scopes: apiScopes };
  await asRoot('PUT', '/api/v1/oauth/resource', resource);
  await asRoot('PUT', '/api/v1/oauth/resource', { ...resource, key: 'other', identifier: 'https://other.example.com' });
  caller = await server.createClient({ scopes: [...apiScopes, 'scope:read'], resources: [api] });
  gateways = await Promise.all(
    Array.from({ length: 5 }, () =>
      server.createClient({ scopes: [...apiScopes, 'scope:read'], resources: [api], grant_types }),
    ),
  );
  gateway = gateways[0] as Credentials;
  const introspection_clients = gateways.map(({ clientId }) => clientId);
  await asRoot('PUT', '/api/v1/oauth/resource', { ...resource, introspection_clients });
});
afterAll(() => server.close());

const asRoot = async (method: string, path: string, body?: unknown) => {
  const answer = await server.call(method, path, { token: root, body });
  expect(answer.status).toBeLessThan(300);
};

const post = (who: Credentials, form: Record<string, string>, headers = {}) =>
  server.postForm(tokenPath, { client_id: who.clientId, client_secret: who.clientSecret, ...form }, headers);

/** A token for the API, or for Postern's own APIs with `resource` undefined. */
async function obtain(who: Credentials, form: Record<string, string> = { resource: api }, headers = {}) {
  const { status, body } = await post(who, { grant_type: 'client_credentials', ...form }, headers);
  expect(status).toBe(200);
  return body.access_token as string;
}

const exchange = (who: Credentials, subject: string, form: Record<string, string> = {}, headers = {}) =>
  post(who, { grant_type: grantType, subject_token: subject, subject_token_type: accessTokenType, ...form }, headers);

const withActor = (token: string) => ({ actor_token: token, actor_token_type: accessTokenType });

async function introspect(who: Credentials, token: string): Promise<Record<string, unknown>> {
  const form = { client_id: who.clientId, client_secret: who.clientSecret, token };
  return (await server.postForm('/api/v1/oauth/introspect', form)).body;
}

function expectRefused(answer: Answer, error: string, text: RegExp = /./): void {
  expect([answer.status, answer.body.error]).toEqual([400, error]);
  expect(answer.body.error_description).toMatch(text);
}

const unusable = /expired, revoked or not valid here, or this client may not exchange it/;

describe('RFC 8693 §2.2.1 the answer', () => {
  test('to a client that acts for the resource of the token: delegation, with what is asked for', async () => {
    const subject = await obtain(caller);
    const { status, body, headers } = await exchange(gateway, subject, { scope: 'rule:read' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'rule:read',
    });
    expect(claimsOf(body.access_token)).toMatchObject({
      iss: server.url,
      sub: caller.clientId,
      client_id: gateway.clientId,
      aud: api,
      scope: 'rule:read',
      act: { sub: gateway.clientId },
    });
  });

  test('without scope: all that the subject token and the client have in common', async () => {
    const subject = await obtain(caller, { resource: api, scope: 'policy:read rule:read' });
    expect((await exchange(gateway, subject)).body.scope).toBe('policy:read rule:read');
  });

  test('to the client of the token itself: a narrower one, with nobody acting', async () => {
    const { status, body } = await exchange(gateway, await obtain(gateway), { scope: 'rule:read' });
    expect(status).toBe(200);
    const claims = claimsOf(body.access_token);
    expect(claims).toMatchObject({ sub: gateway.clientId, client_id: gateway.clientId, scope: 'rule:read' });
    expect(claims).not.toHaveProperty('act');
  });

  test('introspection says who acts', async () => {
    const { body } = await exchange(gateway, await obtain(caller));
    const answer = await introspect(gateway, body.access_token);
    expect(answer).toMatchObject({ active: true, sub: caller.clientId, act: { sub: gateway.clientId } });
    expect(answer).not.toHaveProperty('parent_tokens');
  });

  test('the metadata names the grant', async () => {
    const { body } = await server.call('GET', '/.well-known/oauth-authorization-server');
    expect(body.grant_types_supported).toContain(grantType);
  });
});

describe('RFC 8693 §2.1 what is asked for', () => {
  test.each([
    ['resource', api],
    ['audience', api],
    ['audience', 'api'],
  ])('%s %s is what the subject token is for', async (name, value) => {
    const { status, body } = await exchange(gateway, await obtain(caller), { [name]: value });
    expect([status, claimsOf(body.access_token)['aud']]).toEqual([200, api]);
  });

  test.each([
    [{ resource: 'https://other.example.com' }],
    [{ audience: 'other' }],
    [{ audience: 'nothing' }],
    [{ resource: api, audience: 'other' }],
    [{ resource: 'https://other.example.com', audience: api }],
  ])('§2.2.2 %j is invalid_target', async (form) => {
    expectRefused(await exchange(gateway, await obtain(caller), form), 'invalid_target');
  });

  test('without both it is for what the subject token is for, whatever the default resource of the client is', async () => {
    const other = 'https://other.example.com';
    const own = await server.createClient({
      scopes: apiScopes,
      resources: [api, other],
      default_resource: other,
      grant_types: ['client_credentials', grantType],
    });
    const { status, body } = await exchange(own, await obtain(own));
    expect([status, claimsOf(body.access_token)['aud']]).toEqual([200, api]);
  });

  test("§2.2.2 Postern's own APIs are invalid_target for a token for another", async () => {
    expectRefused(await exchange(gateway, await obtain(caller), { resource: server.url }), 'invalid_target');
  });

  test('a resource that the client itself may not ask for is invalid_target', async () => {
    const stranger = await server.createClient({ scopes: apiScopes, grant_types });
    expectRefused(await exchange(stranger, await obtain(caller)), 'invalid_target');
  });

  test.each([
    [{ subject_token: '' }, /subject_token/],
    [{ subject_token_type: '' }, /subject_token_type/],
    [{ subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, /subject_token_type must be/],
    [{ requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, /requested_token_type must be/],
    [{ actor_token_type: accessTokenType }, /actor_token and actor_token_type/],
    [{ actor_token: 'x' }, /actor_token and actor_token_type/],
    [{ actor_token: 'x', actor_token_type: accessTokenType }, /actor_token is expired/],
    [{ subject_token: 'x' }, unusable],
    [{ subject_token: 'a.b.c' }, unusable],
  ])('§2.2.2 %j is invalid_request', async (form, text) => {
    expectRefused(await exchange(gateway, await obtain(caller), form), 'invalid_request', text);
  });

  test('a token that is called a JWT is the same', async () => {
    const form = { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', requested_token_type: accessTokenType };
    expect((await exchange(gateway, await obtain(caller), form)).status).toBe(200);
  });

  test('a client that is not registered for the grant is unauthorized_client', async () => {
    expectRefused(await exchange(caller, await obtain(caller)), 'unauthorized_client');
  });

  test('authorization details cannot be asked for', async () => {
    const type = { type: 'exchange_details', schema: { type: 'object' } };
    await asRoot('PUT', '/api/v1/oauth/authorization-details-type', type);
    const authorization_details_types = ['exchange_details'];
    const [first, second] = await Promise.all([
      server.createClient({ scopes: ['rule:read'], grant_types, authorization_details_types }),
      server.createClient({ scopes: ['rule:read'], grant_types }),
    ]);
    const authorization_details = '[{"type":"exchange_details","amount":1}]';
    expectRefused(
      await exchange(first, await obtain(first, {}), { authorization_details }),
      'invalid_authorization_details',
      /leave the parameter out/,
    );

    // Those of the subject token go over to a client that may have them, and to no other.
    await asRoot('PATCH', `${clientPath}/${first.clientId}`, { may_act: second.clientId });
    const subject = await obtain(first, { authorization_details });
    expectRefused(await exchange(second, subject), 'invalid_authorization_details', /type that the client/);
    await asRoot('PATCH', `${clientPath}/${second.clientId}`, { authorization_details_types });
    const { status, body } = await exchange(second, subject);
    expect([status, body.authorization_details]).toEqual([200, JSON.parse(authorization_details)]);
    expect(claimsOf(body.access_token)['authorization_details']).toEqual(JSON.parse(authorization_details));
  });
});

describe('RFC 8693 §5 never wider than the subject token', () => {
  test('a scope that it does not hold is invalid_scope, whatever the client holds', async () => {
    const subject = await obtain(caller, { resource: api, scope: 'rule:read' });
    expectRefused(await exchange(gateway, subject, { scope: 'rule:read rule:delete' }), 'invalid_scope');
  });

  test('a scope that the client does not hold is invalid_scope, whatever the subject token holds', async () => {
    const weak = await server.createClient({ scopes: ['rule:read'], grant_types });
    const subject = await obtain(
      await server.createClient({ scopes: ['rule:read', 'rule:delete'], may_act: weak.clientId }),
      {},
    );
    expectRefused(await exchange(weak, subject, { scope: 'rule:delete' }), 'invalid_scope');
    expect((await exchange(weak, subject)).body.scope).toBe('rule:read');
  });

  test('it ends with the subject token, or earlier where the client has shorter ones', async () => {
    const [short, shorter] = await Promise.all(
      [600, 60].map((access_token_ttl_seconds) =>
        server.createClient({ scopes: ['rule:read'], grant_types, access_token_ttl_seconds }),
      ),
    );
    const subject = await obtain(
      await server.createClient({ scopes: ['rule:read'], access_token_ttl_seconds: 300, may_act: short?.clientId }),
      {},
    );
    await server.advance(100);
    const { body } = await exchange(short as Credentials, subject);
    expect(body.expires_in).toBeLessThanOrEqual(200);
    expect(claimsOf(body.access_token)['exp']).toBe(claimsOf(subject)['exp']);
    const own = await exchange(short as Credentials, body.access_token);
    expect(claimsOf(own.body.access_token)['exp']).toBe(claimsOf(subject)['exp']);

    const other = await obtain(await server.createClient({ scopes: ['rule:read'], may_act: shorter?.clientId }), {});
    expect((await exchange(shorter as Credentials, other)).body.expires_in).toBe(60);
  });

  test('an expired one is refused', async () => {
    const brief = await server.createClient({ scopes: apiScopes, resources: [api], access_token_ttl_seconds: 10 });
    const subject = await obtain(brief);
    await server.advance(10);
    expectRefused(await exchange(gateway, subject), 'invalid_request', unusable);
  });

  test('for any subject token and any policy', async () => {
    const scopes = fc.subarray(apiScopes);
    const ttl = fc.option(fc.integer({ min: 2, max: 10_000 }));
    await fc.assert(
      fc.asyncProperty(
        fc.record({ held: scopes, heldTtl: ttl, policy: scopes, policyTtl: ttl, asked: fc.option(scopes) }),
        async ({ held, heldTtl, policy, policyTtl, asked }) => {
          const exchanger = await server.createClient({
            scopes: policy,
            access_token_ttl_seconds: policyTtl,
            grant_types,
          });
          const subject = await obtain(
            await server.createClient({
              scopes: held,
              access_token_ttl_seconds: heldTtl,
              may_act: exchanger.clientId,
            }),
            {},
          );
          const answer = await exchange(exchanger, subject, asked?.length ? { scope: asked.join(' ') } : {});
          const both = held.filter((scope) => policy.includes(scope));
          if (asked?.some((scope) => !both.includes(scope))) {
            expectRefused(answer, 'invalid_scope');
            return;
          }
          expect(answer.status).toBe(200);
          const [before, after] = [claimsOf(subject), claimsOf(answer.body.access_token)];
          expect(new Set(String(after['scope']).split(' '))).toEqual(
            new Set(asked?.length ? asked : both.length > 0 ? both : ['']),
          );
          expect(after['aud']).toBe(before['aud']);
          expect(Number(after['exp'])).toBeLessThanOrEqual(Number(before['exp']));
          expect(answer.body.expires_in).toBeLessThanOrEqual(policyTtl ?? Number.POSITIVE_INFINITY);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('RFC 8693 §2.1 who may exchange a token', () => {
  test('not a client that neither acts for its resource nor is named by it', async () => {
    const stranger = await server.createClient({ scopes: apiScopes, resources: [api], grant_types });
    expectRefused(await exchange(stranger, await obtain(caller)), 'invalid_request', unusable);
    expect(server.log.some((line) => line.includes('exchange_not_allowed'))).toBe(true);
  });

  test("not a client that acts for another resource, nor one for Postern's own APIs", async () => {
    expectRefused(await exchange(gateway, await obtain(caller, {})), 'invalid_request', unusable);
  });

  test('not by an actor token of its own: that says who acts, not that it may', async () => {
    const stranger = await server.createClient({ scopes: apiScopes, resources: [api], grant_types });
    const form = withActor(await obtain(stranger));
    expectRefused(await exchange(stranger, await obtain(caller), form), 'invalid_request', unusable);
  });
});

describe('RFC 8693 §4.1 act', () => {
  test('names those who acted before within the one who acts now, and no more than four', async () => {
    let token = await obtain(caller);
    const chain: string[] = [];
    for (const one of gateways.slice(0, 4)) {
      const { status, body } = await exchange(one, token);
      expect(status).toBe(200);
      token = body.access_token;
      chain.unshift(one.clientId);
    }
    const act = chain.reduceRight<object | undefined>(
      (inner, sub) => ({ sub, ...(inner && { act: inner }) }),
      undefined,
    );
    expect(claimsOf(token)).toMatchObject({ sub: caller.clientId, client_id: chain[0] });
    expect(claimsOf(token)['act']).toEqual(act);
    expectRefused(await exchange(gateways[4] as Credentials, token), 'invalid_request', /name more than 4 actors/);
  });

  test('stays when the actor narrows its token', async () => {
    const { body } = await exchange(gateway, await obtain(caller));
    const narrower = await exchange(gateway, body.access_token, { scope: 'rule:read' });
    expect(claimsOf(narrower.body.access_token)['act']).toEqual({ sub: gateway.clientId });
  });

  test('a token is exchanged no more than eight times', async () => {
    let token = await obtain(gateway);
    for (let count = 0; count < 8; count += 1) {
      token = (await exchange(gateway, token)).body.access_token;
    }
    expectRefused(await exchange(gateway, token), 'invalid_request', /too many times/);
  });

  test('and no longer than guards read it', async () => {
    const identifier = `https://api.example.com/${'x'.repeat(970)}`;
    await asRoot('PUT', '/api/v1/oauth/resource', { key: 'long', identifier, scopes: ['rule:read'] });
    await asRoot('PUT', '/api/v1/oauth/authorization-details-type', { type: 'long', schema: { type: 'object' } });
    const own = await server.createClient({
      scopes: ['rule:read'],
      resources: [identifier],
      grant_types,
      authorization_details_types: ['long'],
    });
    const authorization_details = JSON.stringify([{ type: 'long', texts: Array(4).fill('x'.repeat(990)) }]);
    let token = await obtain(own, { resource: identifier, authorization_details });
    let answer = await exchange(own, token);
    while (answer.status === 200) {
      token = answer.body.access_token;
      answer = await exchange(own, token);
    }
    expectRefused(answer, 'invalid_request', /longer than guards accept/);
    expect(token.length).toBeLessThanOrEqual(16_384);
    expect(await introspect(own, token)).toMatchObject({ active: true });
  });

  test('is the client that exchanges, with a token of its own as the actor token or without one', async () => {
    const subject = await obtain(caller);
    for (const form of [{}, withActor(await obtain(gateway)), withActor(await obtain(gateway, {}))]) {
      const { status, body } = await exchange(gateway, subject, form);
      expect(status).toBe(200);
      expect(claimsOf(body.access_token)).toMatchObject({
        sub: caller.clientId,
        client_id: gateway.clientId,
        act: { sub: gateway.clientId },
      });
    }
  });

  test('is never a client whose token was only sent to the one that exchanges', async () => {
    const other = gateways[1] as Credentials;
    const subject = await obtain(caller);
    const sent = await obtain(other);
    expectRefused(await exchange(gateway, subject, withActor(sent)), 'invalid_request', /actor_token is expired/);
    // Nor by way of a token that the gateway got for it.
    const exchanged = (await exchange(gateway, sent)).body.access_token;
    expect(claimsOf(exchanged)).toMatchObject({ sub: other.clientId, client_id: gateway.clientId });
    expectRefused(await exchange(gateway, subject, withActor(exchanged)), 'invalid_request', /actor_token is expired/);
    // Nor as the one who acts for itself.
    expectRefused(await exchange(gateway, sent, withActor(sent)), 'invalid_request', /actor_token is expired/);
    expect((await exchange(other, subject, withActor(sent))).status).toBe(200);
  });

  test('the new token expires with the actor token', async () => {
    const brief = await server.createClient({ scopes: ['rule:read'], resources: [api], grant_types });
    await asRoot('PATCH', `${clientPath}/${brief.clientId}`, { access_token_ttl_seconds: 30 });
    const actor = withActor(await obtain(brief));
    await asRoot('PATCH', `${clientPath}/${brief.clientId}`, { access_token_ttl_seconds: 3_600 });
    const subject = await obtain(brief);
    const { body } = await exchange(brief, subject, actor);
    expect(body).toMatchObject({ scope: 'rule:read', expires_in: 30 });
  });

  test('an actor token of somebody else, an exchanged one and a revoked one are refused', async () => {
    const subject = await obtain(caller);
    const foreign = await obtain(await server.createClient({ scopes: ['scope:read'] }), {});
    const exchanged = (await exchange(gateway, await obtain(gateway))).body.access_token;
    const deleted = await server.createClient({ scopes: apiScopes, resources: [api] });
    const revoked = await obtain(deleted);
    await asRoot('DELETE', `${clientPath}/${deleted.clientId}`);
    for (const actor of [foreign, exchanged, revoked]) {
      const answer = await exchange(gateway, subject, withActor(actor));
      expectRefused(answer, 'invalid_request', /actor_token is expired/);
    }
  });
});

describe('RFC 8693 §4.4 may_act', () => {
  let named: Credentials;
  let subjectClient: Credentials;

  beforeAll(async () => {
    named = await server.createClient({ scopes: [...apiScopes, 'scope:read'], resources: [api], grant_types });
    subjectClient = await server.createClient({
      scopes: [...apiScopes, 'scope:read'],
      resources: [api],
      grant_types,
      may_act: named.clientId,
    });
  });

  test('lets the client that it names act', async () => {
    const subject = await obtain(subjectClient, {});
    expect(claimsOf(subject)['may_act']).toEqual({ sub: named.clientId });
    expect(await introspect(subjectClient, subject)).toMatchObject({ may_act: { sub: named.clientId } });
    const { status, body } = await exchange(named, subject);
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)['act']).toEqual({ sub: named.clientId });
  });

  test('lets nobody else act, also not who acts for the resource', async () => {
    const subject = await obtain(subjectClient);
    expectRefused(await exchange(gateway, subject), 'invalid_request', unusable);
    const actor = withActor(await obtain(gateways[1] as Credentials));
    expectRefused(await exchange(gateway, subject, actor), 'invalid_request', unusable);
    const sent = withActor(await obtain(named));
    expectRefused(await exchange(gateway, subject, sent), 'invalid_request', unusable);
    expect((await exchange(named, subject, sent)).status).toBe(200);
  });

  test('goes over with the token, so that neither narrowing nor acting gets rid of it', async () => {
    const narrowed = (await exchange(subjectClient, await obtain(subjectClient))).body.access_token;
    const acted = (await exchange(named, narrowed)).body.access_token;
    for (const token of [narrowed, acted]) {
      expect(claimsOf(token)['may_act']).toEqual({ sub: named.clientId });
      expectRefused(await exchange(gateway, token), 'invalid_request', unusable);
    }
  });
});

describe('RFC 9449 §5 a bound subject token', () => {
  type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;
  let keys: KeyPair;

  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true });
  });

  const proofOf = async (pair: KeyPair) => ({
    dpop: await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: server.url + tokenPath })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(pair.publicKey) })
      .setIssuedAt(Math.floor(server.now() / 1000))
      .sign(pair.privateKey),
  });

  test('is exchanged with a proof of its key, for a token bound to the same', async () => {
    const subject = await obtain(gateway, { resource: api }, await proofOf(keys));
    const { status, body } = await exchange(gateway, subject, {}, await proofOf(keys));
    expect([status, body.token_type]).toEqual([200, 'DPoP']);
    expect(claimsOf(body.access_token)['cnf']).toEqual({
      jkt: await calculateJwkThumbprint(await exportJWK(keys.publicKey)),
    });
  });

  test('is refused without one and with one of another key: by its client, and by who acts for its resource', async () => {
    const other = await generateKeyPair('ES256', { extractable: true });
    for (const who of [gateway, gateways[1] as Credentials]) {
      const subject = await obtain(gateway, { resource: api }, await proofOf(keys));
      expectRefused(await exchange(who, subject), 'invalid_request', /bound to a key/);
      expectRefused(await exchange(who, subject, {}, await proofOf(other)), 'invalid_request', /bound to a key/);
    }
  });

  test('so is a bound actor token', async () => {
    const actor = await obtain(gateway, { resource: api }, await proofOf(keys));
    const subject = await obtain(caller);
    expectRefused(await exchange(gateway, subject, withActor(actor)), 'invalid_request', /actor_token is bound/);
    expect((await exchange(gateway, subject, withActor(actor), await proofOf(keys))).status).toBe(200);
  });

  test('an unbound one may become a bound one', async () => {
    const { body } = await exchange(gateway, await obtain(caller), {}, await proofOf(keys));
    expect(body.token_type).toBe('DPoP');
  });
});

describe('a token from an exchange is revoked with the tokens it was exchanged for', () => {
  interface Chain {
    readonly subjectClient: Credentials;
    readonly subject: string;
    readonly exchanger: Credentials;
    readonly token: string;
  }

  /** The subject token was exchanged, and the result was exchanged again, so the parents are not only the last token. */
  async function startChain(): Promise<Chain> {
    const exchanger = await server.createClient({ scopes: ['scope:read', 'policy:read'], grant_types });
    const subjectClient = await server.createClient({
      scopes: ['scope:read', 'policy:read', 'rule:read'],
      may_act: exchanger.clientId,
    });
    const subject = await obtain(subjectClient, {});
    const first = (await exchange(exchanger, subject)).body.access_token;
    const token = (await exchange(exchanger, first, { scope: 'scope:read' })).body.access_token;
    return { subjectClient, subject, exchanger, token };
  }

  const use = async (token: string) => (await server.call('GET', '/api/v1/oauth/scope', { token })).status;
  const pathOf = ({ clientId }: Credentials, tail = '') => `${clientPath}/${clientId}${tail}`;
  const revoke = async (who: Credentials, token: string) => {
    const form = { client_id: who.clientId, client_secret: who.clientSecret, token };
    expect((await server.postForm('/api/v1/oauth/revoke', form)).status).toBe(200);
  };

  test.each<[string, (chain: Chain) => Promise<void>]>([
    ['the subject token is revoked', ({ subjectClient, subject }) => revoke(subjectClient, subject)],
    ['it is revoked itself', ({ exchanger, token }) => revoke(exchanger, token)],
    ['the subject client is deleted', ({ subjectClient }) => asRoot('DELETE', pathOf(subjectClient))],
    [
      'the subject client is disabled',
      ({ subjectClient }) => asRoot('PATCH', pathOf(subjectClient), { enabled: false }),
    ],
    [
      'all tokens of the subject client are revoked',
      ({ subjectClient }) => asRoot('POST', pathOf(subjectClient, '/revoke')),
    ],
    [
      'the subject client loses the scope',
      ({ subjectClient }) => asRoot('PUT', pathOf(subjectClient, '/scope'), ['rule:read']),
    ],
    ['its own client is deleted', ({ exchanger }) => asRoot('DELETE', pathOf(exchanger))],
    ['its own client loses the scope', ({ exchanger }) => asRoot('PUT', pathOf(exchanger, '/scope'), [])],
  ])('at APIs, at introspection and for a further exchange, when %s', async (_, end) => {
    const chain = await startChain();
    const rootClient = server.root;
    expect(await use(chain.token)).toBe(200);
    expect(await introspect(rootClient, chain.token)).toMatchObject({ active: true });
    // The server remembers that the signature is good, and no more than that.
    expect((await exchange(chain.exchanger, chain.token)).status).toBe(200);
    await end(chain);
    expect(await use(chain.token)).toBe(401);
    expect(await introspect(rootClient, chain.token)).toEqual({ active: false });
    const again = await exchange(chain.exchanger, chain.token);
    expect(again.status).toBeGreaterThanOrEqual(400);
    expect(again.status).toBeLessThan(500);
  });

  test('but not when the subject client loses a scope that it does not hold', async () => {
    const { subjectClient, token } = await startChain();
    await asRoot('PUT', pathOf(subjectClient, '/scope'), ['scope:read']);
    expect(await use(token)).toBe(200);
  });

  test('and it makes no clients in the name of a subject that is gone', async () => {
    const exchanger = await server.createClient({ scopes: ['client:create'], grant_types });
    const subjectClient = await server.createClient({ scopes: ['client:create'], may_act: exchanger.clientId });
    const { body } = await exchange(exchanger, await obtain(subjectClient, {}));
    const create = () => server.call('POST', clientPath, { token: body.access_token, body: {} });
    expect((await create()).status).toBe(200);
    await asRoot('DELETE', pathOf(subjectClient));
    expect((await create()).status).toBe(401);
  });

  test('the actor token among it', async () => {
    const actor = await obtain(gateway);
    const { body } = await exchange(gateway, await obtain(caller), withActor(actor));
    expect(await introspect(gateway, body.access_token)).toMatchObject({ active: true });
    const { clientId: client_id, clientSecret: client_secret } = gateway;
    await server.postForm('/api/v1/oauth/revoke', { client_id, client_secret, token: actor });
    expect(await introspect(gateway, body.access_token)).toEqual({ active: false });
  });
});
