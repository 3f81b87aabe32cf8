/** Clients whose id is the URL of their metadata document, and their approval. draft-ietf-oauth-client-id-metadata-document-03. */
import { answerJson } from '@postern/testing/document-server';
import { allowLocalDocuments, createPartnerKey, type Partner, startPartner } from '@postern/testing/partner';
import { startTestServer, type TestServer } from '@postern/testing/test-server';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let server: TestServer;
let partner: Partner;
let root: string;

beforeAll(async () => {
  partner = await startPartner();
  server = await startTestServer({ env: allowLocalDocuments });
  root = await server.rootToken();
});
afterAll(async () => {
  await server.close();
  await partner.close();
});

const pathOf = (clientId: string) => new URL(clientId).pathname;
const asRoot = (method: string, path: string, body?: unknown) =>
  server.call(method, `/api/v1/oauth/${path}`, { token: root, body });
const documentPath = (clientId: string) => `client-document/${encodeURIComponent(clientId)}`;
const clientPath = (clientId: string) => `client/${encodeURIComponent(clientId)}`;
const document = async (clientId: string) => (await asRoot('GET', documentPath(clientId))).body;
const kindsAbout = async (clientId: string) => (await server.eventsAbout(clientId)).map(({ kind }) => kind);

function approval(clientId: string, more: object = {}) {
  return {
    client_id: clientId,
    token_endpoint_auth_method: 'private_key_jwt',
    client_id_metadata_document: true,
    scopes: ['policy:read'],
    ...more,
  };
}

async function approve(clientId: string, more: object = {}): Promise<void> {
  const { status, body } = await asRoot('POST', 'client', approval(clientId, more));
  expect([status, body]).toEqual([200, { client_id: clientId }]);
}

async function approved(members?: object): Promise<string> {
  const clientId = partner.publish(members);
  await approve(clientId);
  expect((await partner.ask(server, clientId)).status).toBe(200);
  await expect.poll(async () => (await asRoot('GET', documentPath(clientId))).status).toBe(200);
  return clientId;
}

/** Asks, and expects that the document is rejected for what `text` says, that nothing waits, and that the client may correct it. */
async function expectRejected(clientId: string, text: RegExp | string): Promise<void> {
  const { status, body } = await partner.ask(server, clientId);
  expect([status, body.error]).toEqual([401, 'invalid_client']);
  expect(body.error_description).toMatch(text);
  expect((await asRoot('GET', documentPath(clientId))).status).toBe(404);
}

const waiting = 'an administrator has not approved this client yet';

describe('a client that nobody has approved', () => {
  test('§7.2 waits for an administrator, once, and gets its first token when they have created the client', async () => {
    const contacts = ['security@partner.example'];
    const clientId = partner.publish({
      contacts,
      client_uri: 'https://partner.example/',
      logo_uri: 'https://a.example/',
    });
    for (const _ of [1, 2]) {
      const { status, body } = await partner.ask(server, clientId, { form: { client_id: clientId } });
      expect([status, body.error]).toEqual([400, 'unauthorized_client']);
      expect(body.error_description).toContain(waiting);
    }
    expect(partner.server.hits(pathOf(clientId))).toBe(1);
    expect(await kindsAbout(clientId)).toEqual(['client_document.requested']);
    const found = await document(clientId);
    expect(found).toMatchObject({
      client_id: clientId,
      status: 'pending',
      client_name: 'Partner',
      client_uri: 'https://partner.example/',
      contacts,
      jwks_uri: null,
      changed_members: [],
    });
    expect(found.keys).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);

    await approve(clientId, { name: 'Our partner' });
    const { status, body } = await partner.ask(server, clientId);
    expect([status, body.scope]).toEqual([200, 'policy:read']);
    expect(await document(clientId)).toMatchObject({ status: 'approved', expires_at: null });
    expect(await kindsAbout(clientId)).toEqual([
      'client_document.requested',
      'client.created',
      'client_document.approved',
    ]);
  });

  test('§8.2 leaves nothing behind unless its assertion is signed by a key of the document', async () => {
    const clientId = partner.publish();
    const other = await createPartnerKey('one');
    const { status, body } = await partner.ask(server, clientId, { key: other });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    const elsewhere = await partner.ask(server, clientId, { audience: 'https://other.example' });
    expect([elsewhere.status, elsewhere.body.error_description]).toEqual([
      401,
      expect.stringContaining('its only aud must be'),
    ]);
    expect((await asRoot('GET', documentPath(clientId))).status).toBe(404);
    expect(await kindsAbout(clientId)).toEqual([]);
  });

  test('is rejected for 30 days, and told so', async () => {
    const clientId = partner.publish();
    await partner.ask(server, clientId);
    expect((await asRoot('POST', `${documentPath(clientId)}/reject`)).body.status).toBe('rejected');
    expect((await asRoot('POST', `${documentPath(clientId)}/reject`)).status).toBe(200);
    const { status, body } = await partner.ask(server, clientId);
    expect([status, body.error]).toEqual([400, 'unauthorized_client']);
    expect(body.error_description).toContain('an administrator has rejected this client');
    expect(await kindsAbout(clientId)).toEqual(['client_document.requested', 'client_document.rejected']);
    await server.advance(30 * 86_400 + 1);
    root = await server.rootToken();
    expect((await partner.ask(server, clientId)).body.error_description).toContain(waiting);
    await approve(clientId);
    expect((await partner.ask(server, clientId)).status).toBe(200);
    expect((await asRoot('POST', `${documentPath(clientId)}/reject`)).body.error).toBe('conflict');
  });

  test('is forgotten after 30 days, and whoever has read it before is told so', async () => {
    const clientId = partner.publish();
    await partner.ask(server, clientId);
    const etag = (await asRoot('GET', documentPath(clientId))).headers.get('etag') ?? '';
    await server.advance(30 * 86_400 + 1);
    root = await server.rootToken();
    expect((await asRoot('GET', documentPath(clientId))).status).toBe(404);
    const headers = { authorization: `Bearer ${root}`, 'if-none-match': etag };
    expect((await fetch(`${server.url}/api/v1/oauth/${documentPath(clientId)}`, { headers })).status).toBe(404);
    const { body } = await asRoot('GET', 'client-document?status=pending');
    expect(body.items).toEqual([]);
  });

  test('asks many times at once: it waits once, and no more than 50 requests are held up by a slow server', async () => {
    const clientId = partner.publish();
    const published = partner.server.documents.get(pathOf(clientId)) as object;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    partner.server.documents.set(pathOf(clientId), (_request, response) => {
      void released.then(() => answerJson(response, 200, published));
    });
    const asked = Array.from({ length: 51 }, () => partner.ask(server, clientId));
    const { status, body } = await Promise.race(asked);
    expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(body.error_description).toContain('50 requests of clients that do not exist wait');
    release();
    const statuses = (await Promise.all(asked)).map((answer) => answer.status);
    expect(statuses.toSorted()).toEqual([...Array.from({ length: 50 }, () => 400), 503]);
    expect(partner.server.hits(pathOf(clientId))).toBe(1);
    expect(await kindsAbout(clientId)).toEqual(['client_document.requested']);
    // It waits no longer, and the next minute begins, so that it counts for no other test.
    await approve(clientId);
    await server.advance(60);
  });

  test('waits only if fewer than 50 of its host do', async () => {
    const clientIds = Array.from({ length: 51 }, () => partner.publish());
    const texts: string[] = [];
    for (const clientId of clientIds) {
      texts.push((await partner.ask(server, clientId)).body.error_description);
    }
    expect(texts.filter((text) => text.includes(waiting)).length).toBe(50);
    expect(texts.at(-1)).toContain('too many clients wait');
    const { body } = await asRoot('GET', 'client-document?status=pending&size=100');
    expect(body.total).toBe(50);
    await server.advance(30 * 86_400 + 1);
    root = await server.rootToken();
    expect((await partner.ask(server, clientIds.at(-1) as string)).body.error_description).toContain(waiting);
  });

  test('cannot have documents fetched without end: made-up URLs are limited by host', async () => {
    const statuses = new Set<number>();
    // No more at once than may wait.
    for (let first = 0; first < 200; first += 50) {
      const urls = Array.from({ length: 50 }, (_, index) => `${partner.server.url}/none-${first + index}`);
      for (const { status } of await Promise.all(urls.map((url) => partner.ask(server, url)))) {
        statuses.add(status);
      }
    }
    expect(statuses).toEqual(new Set([401, 429]));
    await server.advance(61);
  });
});

describe('who may approve', () => {
  test('client_document:approve, with client:create, gives at most what the approver has', async () => {
    const approver = await server.createClient({
      scopes: ['client:create', 'client_document:approve', 'policy:read'],
      grantable_scopes: [],
    });
    const token = await server.token(approver);
    const create = (body: object) => server.call('POST', '/api/v1/oauth/client', { token, body });
    const clientId = partner.publish();
    expect((await create(approval(clientId, { scopes: ['rule:read'] }))).status).toBe(403);
    expect((await create({ client_id: clientId })).body.error).toBe('insufficient_scope');
    expect((await create(approval(clientId))).status).toBe(200);
    expect((await partner.ask(server, clientId)).body.scope).toBe('policy:read');

    const creator = await server.token(await server.createClient({ scopes: ['client:create', 'policy:read'] }));
    const refused = await server.call('POST', '/api/v1/oauth/client', {
      token: creator,
      body: approval(partner.publish()),
    });
    expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
  });

  test.each([
    ['an id that is no URL', 'billing', {}, /must be an https URL/],
    ['another host', 'https://other.example/a.json', {}, /POSTERN_CLIENT_METADATA_HOSTS/],
    ['another method', undefined, { token_endpoint_auth_method: 'spiffe_jwt' }, /must be private_key_jwt/],
    ['keys of its own', undefined, { jwks_uri: 'https://other.example/jwks' }, /neither jwks nor jwks_uri/],
  ])('nobody creates a client with a document and %s', async (_name, id, more, text) => {
    const { status, body } = await asRoot('POST', 'client', approval(id ?? partner.publish(), more));
    expect([status, body.error]).toEqual([422, 'invalid_parameter']);
    expect(body.detail).toMatch(text);
  });
});

describe('§3 a client id that is not the URL of a document', () => {
  test.each([
    ['http', (url: string) => url.replace('https:', 'http:'), /must be an https URL/],
    ['credentials', (url: string) => url.replace('https://', 'https://user@'), /must not have credentials/],
    ['a fragment', (url: string) => `${url}#a`, /neither a fragment nor a query/],
    ['a query', (url: string) => `${url}?a=b`, /neither a fragment nor a query/],
    ['no path', (url: string) => new URL(url).origin, /must have a path/],
    ['a dot segment', (url: string) => url.replace('/agent', '/./agent'), /must not have \. or \.\./],
    ['two dots', (url: string) => url.replace('/agent', '/a/../agent'), /must not have \. or \.\./],
    ['escapes', (url: string) => url.replace('/agent', '/%2e%2e/agent'), /at most 128 characters/],
    ['too many characters', (url: string) => `${url}/${'a'.repeat(128)}`, /at most 128 characters/],
    [
      'another spelling',
      (url: string) => url.replace('https://127.0.0.1', 'https://127.1'),
      /must be written in its normal form, which is https:\/\/127\.0\.0\.1/,
    ],
  ])('%s', async (_name, change, text) => {
    const clientId = change(partner.publish());
    const { status, body } = await partner.ask(server, clientId);
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect(body.error_description).toMatch(text);
    expect(await kindsAbout(clientId)).toEqual([]);
  });

  test('a host that nobody has allowed is asked nothing, and the answer is that of every unknown client', async () => {
    const { body } = await partner.ask(server, 'https://other.example/agent.json');
    const unknown = await partner.ask(server, 'unknown');
    expect(body).toEqual(unknown.body);
  });
});

describe('§4 a document that cannot be the metadata of the client', () => {
  const publishRaw = (body: string | Buffer, headers: object = {}, status = 200) => {
    const clientId = partner.publish();
    partner.server.documents.set(pathOf(clientId), (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
    return clientId;
  };

  test.each([
    ['another client_id', { client_id: 'https://127.0.0.1/agent.json' }, /its own URL as its client_id/],
    ['no client_id', { client_id: undefined }, /its own URL as its client_id/],
    ['a client_id that is no text', { client_id: ['a'] }, /its own URL as its client_id/],
    ['§4.1 client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }, /must be private_key_jwt/],
    ['§4.1 client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }, /must be private_key_jwt/],
    ['§4.1 client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }, /must be private_key_jwt/],
    ['no authentication', { token_endpoint_auth_method: 'none' }, /must be private_key_jwt/],
    ['no method', { token_endpoint_auth_method: undefined }, /must be private_key_jwt/],
    ['§4.1 client_secret', { client_secret: 'a' }, /must not have client_secret\b/],
    ['§4.1 client_secret_expires_at', { client_secret_expires_at: 0 }, /must not have client_secret_expires_at/],
    ['§4.1 a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, /private or symmetric key/],
    ['no keys', { jwks: undefined }, /either jwks or jwks_uri/],
    ['an empty key set', { jwks: { keys: [] } }, /must have a public key/],
    ['keys that are no list', { jwks: { keys: 'a' } }, /has an invalid jwks/],
    ['keys that are no objects', { jwks: { keys: [null, 7, 'a'] } }, /must have a public key.*is not a JWK/],
    ['a weak key', { jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] } }, /must have 2048 to 4096 bits/],
    ['keys at another origin', { jwks: undefined, jwks_uri: 'https://other.example/jwks' }, /at another origin/],
    ['keys by http', { jwks: undefined, jwks_uri: 'http://127.0.0.1/jwks' }, /must be an https URL/],
    ['a name that nobody can see', { client_name: '\u200b' }, /client_name/],
    ['a name with control characters', { client_name: 'a\u0007' }, /client_name/],
    ['a page of another scheme', { client_uri: 'javascript:alert(1)' }, /client_uri/],
    ['contacts that are no list', { contacts: 'a' }, /contacts/],
  ])('%s', async (_name, members, text) => {
    await expectRejected(partner.publish(members), text);
  });

  test('§4.1 the private half of its key', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(privateKey);
    await expectRejected(partner.publish({ jwks: { keys: [jwk] } }), /private or symmetric key/);
    const clientId = partner.publish({ jwks: undefined, jwks_uri: `${partner.server.url}/private-jwks` });
    partner.server.documents.set('/private-jwks', { keys: [partner.key.jwk, jwk] });
    await expectRejected(clientId, /private or symmetric key, as keys\[1\] is/);
  });

  test.each([
    ['no JSON', 'nonsense', /is not JSON in UTF-8/],
    ['half of JSON', '{"client_id":', /is not JSON in UTF-8/],
    ['other bytes than UTF-8', Buffer.from('{"client_id":"\xff"}', 'latin1'), /is not JSON in UTF-8/],
    ['a list', '[]', /is not a JSON object/],
    ['a number', '7', /is not a JSON object/],
    ['depth', '['.repeat(2_500) + ']'.repeat(2_500), /is not a JSON object/],
    ['nothing', '', /is not JSON in UTF-8/],
    ['§8.7 more than 5 KB', JSON.stringify({ client_name: 'a'.repeat(5_120) }), /more than 5120 bytes/],
  ])('%s', async (_name, body, text) => {
    await expectRejected(publishRaw(body), text);
  });

  test('§8.7 a key set of more than 64 KB, since strangers decide how large it is', async () => {
    partner.server.documents.set('/large-keys', { keys: [{ ...partner.key.jwk, x5t: 'a'.repeat(65_536) }] });
    const jwks_uri = `${partner.server.url}/large-keys`;
    const clientId = partner.publish({ jwks: undefined, jwks_uri });
    await expectRejected(clientId, `or its key set has more than 65536 bytes at ${jwks_uri}.`);
  });

  test('another type of content', async () => {
    for (const type of ['text/html', 'application/jose', 'application/jsonp', 'text/json']) {
      await expectRejected(publishRaw('{}', { 'content-type': type }), /must be served as application\/json/);
    }
    const clientId = partner.publish();
    const published = partner.server.documents.get(pathOf(clientId)) as object;
    partner.server.documents.set(pathOf(clientId), (_request, response) =>
      answerJson(response, 200, published, { 'content-type': 'application/client+json; charset=utf-8' }),
    );
    expect((await partner.ask(server, clientId)).body.error_description).toContain(waiting);
  });

  test('§5 a redirect is not followed, and every other status than 200 is an error', async () => {
    const target = partner.publish();
    for (const status of [301, 302, 303, 307, 308]) {
      await expectRejected(publishRaw('', { location: target }, status), /redirects are not followed/);
    }
    expect(partner.server.hits(pathOf(target))).toBe(0);
    for (const status of [201, 400, 404, 410]) {
      await expectRejected(publishRaw('{}', {}, status), `the status ${status} instead of 200`);
    }
  });

  test('§5.1 a server that cannot answer says nothing about its document: 503, and nothing waits', async () => {
    for (const status of [500, 503, 429]) {
      const clientId = publishRaw('', {}, status);
      const answer = await partner.ask(server, clientId);
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(answer.headers.get('retry-after')).toBe('5');
      expect((await asRoot('GET', documentPath(clientId))).status).toBe(404);
    }
    const clientId = partner.publish();
    partner.server.documents.set(pathOf(clientId), (_request, response) => void response.destroy());
    expect((await partner.ask(server, clientId)).status).toBe(503);
  });

  test('§5.2 an error is not cached: a document that was corrected is read at once', async () => {
    const clientId = partner.publish({ token_endpoint_auth_method: 'none' });
    await expectRejected(clientId, /private_key_jwt/);
    partner.replace(clientId);
    await server.advance(2);
    expect((await partner.ask(server, clientId)).body.error_description).toContain(waiting);
  });
});

describe('the document of a client that was approved', () => {
  const cached = (clientId: string, cacheControl: string) => {
    partner.replace(clientId);
    const published = partner.server.documents.get(pathOf(clientId)) as object;
    partner.server.documents.set(pathOf(clientId), (_request, response) =>
      answerJson(response, 200, published, { 'cache-control': cacheControl }),
    );
  };

  test.each([
    ['max-age=60', 60],
    ['no-store', 30],
    ['max-age=0', 30],
    ['public, max-age=86400', 300],
    ['nonsense', 300],
  ])('§5.2 is kept as Cache-Control: %s says, within bounds', async (cacheControl, seconds) => {
    const clientId = partner.publish();
    cached(clientId, cacheControl);
    await approve(clientId);
    await partner.ask(server, clientId);
    await server.advance(seconds - 10);
    await partner.ask(server, clientId);
    expect(partner.server.hits(pathOf(clientId))).toBe(1);
    await server.advance(12);
    expect((await partner.ask(server, clientId)).status).toBe(200);
    expect(partner.server.hits(pathOf(clientId))).toBe(2);
  });

  test('§8.4.1 keys are followed: a rotation works at once, and is recorded with the thumbprints', async () => {
    const clientId = await approved();
    const before = (await document(clientId)).keys;
    const next = await createPartnerKey('two');
    partner.replace(clientId, { jwks: { keys: [partner.key.jwk, next.jwk] } });
    await server.advance(31);
    expect((await partner.ask(server, clientId, { key: next })).status).toBe(200);
    partner.replace(clientId, { jwks: { keys: [next.jwk] } });
    await server.advance(301);
    expect((await partner.ask(server, clientId)).status).toBe(401);
    expect((await partner.ask(server, clientId, { key: next })).status).toBe(200);
    await expect.poll(async () => (await document(clientId)).keys).toEqual([expect.not.stringMatching(before[0])]);
    const { keys, changed_members, status } = await document(clientId);
    expect([status, changed_members]).toEqual(['approved', []]);
    const changes = (await server.eventsAbout(clientId)).filter(({ kind }) => kind === 'client_document.changed');
    expect(changes.map(({ actor, data }) => [actor, data])).toEqual([
      ['postern', { added_keys: before, removed_keys: [] }],
      ['postern', { added_keys: keys, removed_keys: [] }],
      ['postern', { added_keys: [], removed_keys: before }],
    ]);
  });

  test('§8.4 whatever else changes is shown as changed since the approval, and gives the client nothing', async () => {
    const clientId = partner.publish();
    await partner.ask(server, clientId);
    await approve(clientId, { name: 'Our partner' });
    await partner.ask(server, clientId);
    partner.replace(clientId, {
      client_name: 'Administrator',
      contacts: ['other@partner.example'],
      scope: 'policy:read client:create',
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: ['https://other.example/'],
    });
    await server.advance(301);
    const { status, body } = await partner.ask(server, clientId);
    expect([status, body.scope]).toEqual([200, 'policy:read']);
    await expect.poll(async () => (await document(clientId)).changed_members).toEqual(['client_name', 'contacts']);
    expect((await document(clientId)).client_name).toBe('Administrator');
    const client = (await asRoot('GET', clientPath(clientId))).body;
    expect(client).toMatchObject({ name: 'Our partner', scopes: ['policy:read'] });
    expect((await server.eventsAbout(clientId)).at(-1)).toMatchObject({
      kind: 'client_document.changed',
      data: { client_name: 'Administrator', contacts: ['other@partner.example'], added_keys: [], removed_keys: [] },
    });
  });

  test.each([
    ['another method', { token_endpoint_auth_method: 'none' }, /must be private_key_jwt/],
    ['another client_id', { client_id: 'https://127.0.0.1/other' }, /its own URL/],
    ['keys at another origin', { jwks: undefined, jwks_uri: 'https://other.example/jwks' }, /another origin/],
    ['no key', { jwks: { keys: [] } }, /must have a public key/],
  ])('§8.4 that now has %s authenticates nobody, until it is corrected', async (_name, members, text) => {
    const clientId = await approved();
    partner.replace(clientId, members);
    await server.advance(301);
    for (const _ of [1, 2]) {
      const { status, body } = await partner.ask(server, clientId);
      expect([status, body.error]).toEqual([401, 'invalid_client']);
      expect(body.error_description).toMatch(text);
    }
    partner.replace(clientId);
    await server.advance(2);
    expect((await partner.ask(server, clientId)).status).toBe(200);
  });

  test('cannot be reached: keys that are known stay good for an hour, and then 503 until it is back', async () => {
    const clientId = partner.publish({ jwks: undefined, jwks_uri: `${partner.server.url}/jwks-of-agent` });
    partner.server.documents.set('/jwks-of-agent', { keys: [partner.key.jwk] });
    await approve(clientId);
    expect((await partner.ask(server, clientId)).status).toBe(200);
    partner.server.documents.set('/jwks-of-agent', (_request, response) => void response.destroy());
    await server.advance(301);
    expect((await partner.ask(server, clientId)).status).toBe(200);
    await server.advance(3_590);
    expect((await partner.ask(server, clientId)).status).toBe(200);
    await server.advance(20);
    const { status, body, headers } = await partner.ask(server, clientId);
    expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '5']);
    partner.server.documents.set('/jwks-of-agent', { keys: [partner.key.jwk] });
    await server.advance(5);
    expect((await partner.ask(server, clientId)).status).toBe(200);
  });

  test('does not help a client that is disabled, has expired or was deleted, nor one from another network', async () => {
    const clientId = await approved();
    const patch = (body: object) => asRoot('PATCH', clientPath(clientId), body);
    await patch({ enabled: false });
    expect((await partner.ask(server, clientId)).status).toBe(401);
    await patch({ enabled: true, allowed_networks: ['203.0.113.0/24'] });
    expect((await partner.ask(server, clientId)).status).toBe(401);
    await patch({ allowed_networks: null, token_quota_per_minute: 1 });
    await server.advance(60);
    expect((await partner.ask(server, clientId)).status).toBe(200);
    expect((await partner.ask(server, clientId)).status).toBe(429);
    expect((await asRoot('DELETE', clientPath(clientId))).status).toBe(204);
    expect((await asRoot('GET', documentPath(clientId))).status).toBe(404);
    expect((await partner.ask(server, clientId)).body.error_description).toContain(waiting);
  });

  test('is forgotten when an administrator gives the client other keys', async () => {
    const clientId = await approved();
    const { status } = await asRoot('PATCH', clientPath(clientId), {
      client_id_metadata_document: false,
      jwks: { keys: [(await createPartnerKey('own')).jwk] },
    });
    expect(status).toBe(200);
    expect((await asRoot('GET', documentPath(clientId))).status).toBe(404);
    expect((await partner.ask(server, clientId)).status).toBe(401);
  });
});

test('§6 metadata says that documents are read, unless none are', async () => {
  const metadata = (of: TestServer) => of.call('GET', '/.well-known/oauth-authorization-server');
  expect((await metadata(server)).body.client_id_metadata_document_supported).toBe(true);
  const without = await startTestServer();
  try {
    expect((await metadata(without)).body).not.toHaveProperty('client_id_metadata_document_supported');
    const clientId = partner.publish();
    const { body } = await partner.ask(without, clientId);
    expect(body.error_description).toMatch(/the client is unknown/);
    const created = await without.call('POST', '/api/v1/oauth/client', {
      token: await without.rootToken(),
      body: approval(clientId),
    });
    expect(created.body.detail).toContain('POSTERN_CLIENT_METADATA_HOSTS');
    expect(partner.server.hits(pathOf(clientId))).toBe(0);
  } finally {
    await without.close();
  }
});

test('§8.6 documents are not fetched from special-use addresses, nor from hosts that POSTERN_OUTBOUND_HOSTS leaves out', async () => {
  const hosts = { POSTERN_CLIENT_METADATA_HOSTS: '127.0.0.1' };
  for (const [env, expected] of [
    [hosts, 503],
    [{ ...allowLocalDocuments, POSTERN_OUTBOUND_HOSTS: 'other.example' }, 401],
  ] as const) {
    const guarded = await startTestServer({ env });
    try {
      const clientId = partner.publish();
      expect((await partner.ask(guarded, clientId)).status).toBe(expected);
      expect(partner.server.hits(pathOf(clientId))).toBe(0);
    } finally {
      await guarded.close();
    }
  }
});
