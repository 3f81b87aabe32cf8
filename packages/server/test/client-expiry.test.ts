/** A client that ends gets no token from then on, and none of its tokens lasts longer; who answers for it. RFC 6749 §5.2, RFC 7662 §2.2. */
import {
  type Answer,
  type Credentials,
  claimsOf,
  startTestServer,
  type TestServer,
} from '@postern/testing/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const clientPath = '/api/v1/oauth/client';
const hour = 3_600;
const day = 24 * hour;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { OAUTH_ACCESS_TOKEN_EXPIRE_MINUTES: '60' } });
});
afterAll(() => server.close());

const inSeconds = (seconds: number) => new Date(Math.floor(server.now() / 1000 + seconds) * 1000).toISOString();
const asRoot = async (method: string, path: string, body?: unknown) =>
  server.call(method, path, { token: await server.rootToken(), body });
const change = ({ clientId }: Credentials, body: object) => asRoot('PATCH', `${clientPath}/${clientId}`, body);
const secretOf = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret });
const ask = (form: Record<string, string>): Promise<Answer> =>
  server.postForm('/api/v1/oauth/token', { grant_type: 'client_credentials', ...form });
const isActive = async (token: string) =>
  (await server.postForm('/api/v1/oauth/introspect', { token, ...secretOf(server.root) })).body.active;
const createEnding = (seconds: number, more: object = {}) =>
  server.createClient({ scopes: ['policy:read'], expires_at: inSeconds(seconds), ...more });

describe('RFC 9068 §2.2 no token outlasts its client', () => {
  test('exp and expires_in are cut to the second at which it ends, and not before they must be', async () => {
    const client = await createEnding(2 * hour);
    const { body: whole } = await ask(secretOf(client));
    expect(whole.expires_in).toBe(hour);
    await server.advance(hour + 600);
    const { body: cut } = await ask(secretOf(client));
    const { iat, exp } = claimsOf(cut.access_token) as { iat: number; exp: number };
    const end = Date.parse((await asRoot('GET', `${clientPath}/${client.clientId}`)).body.expires_at) / 1000;
    expect([exp, exp - iat]).toEqual([end, cut.expires_in]);
    expect(cut.expires_in).toBeLessThan(hour);
  });

  test('nor does one that is exchanged for its token, nor the token of a session', async () => {
    const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
    const actor = await server.createClient({ scopes: ['policy:read'], grant_types: [exchange] });
    const subject = await createEnding(600, { may_act: actor.clientId });
    const { body } = await ask({
      grant_type: exchange,
      subject_token: await server.token(subject),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...secretOf(actor),
    });
    expect(body.expires_in).toBeLessThanOrEqual(600);

    const person = await createEnding(100);
    const post = async (path: string, sent: object, headers: Record<string, string> = {}) =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'postern-session': '1', ...headers },
        body: JSON.stringify(sent),
      });
    const signedIn = await post('/api/v1/session', secretOf(person));
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const tokenBy = () => post('/api/v1/session/token', {}, { cookie });
    const { expires_in } = (await (await tokenBy()).json()) as { expires_in: number };
    expect(expires_in).toBeLessThanOrEqual(100);
    await server.advance(101);
    expect((await tokenBy()).status).toBe(401);
  });
});

describe('a client that has expired', () => {
  let expired: Credentials;
  let token: string;
  beforeAll(async () => {
    expired = await createEnding(60, { contact: 'team@example.com' });
    token = await server.token(expired);
    expect(await isActive(token)).toBe(true);
    await server.advance(60);
  });

  test('gets no token, by no grant, and its tokens are inactive', async () => {
    expect((await ask(secretOf(expired))).status).toBe(401);
    expect(await isActive(token)).toBe(false);
    for (const path of ['introspect', 'revoke']) {
      const { status, body } = await server.postForm(`/api/v1/oauth/${path}`, { token, ...secretOf(expired) });
      expect([status, body.error]).toEqual([401, 'invalid_client']);
    }
  });

  test('is told so with the right credentials, and nobody else is', async () => {
    const before = server.log.length;
    const { body } = await ask(secretOf(expired));
    expect(body).toMatchObject({
      error: 'invalid_client',
      error_description: expect.stringMatching(/^The client expired at \d{4}-.*Z\. Ask an administrator/),
    });
    expect(server.log.slice(before).join('')).toContain('"reason":"client_expired"');
    const unknown = await ask({ client_id: 'unknown', client_secret: 'wrong' });
    const wrong = await ask({ ...secretOf(expired), client_secret: 'wrong' });
    expect([wrong.status, wrong.body]).toEqual([unknown.status, unknown.body]);
  });

  test('works again with a later end, and its earlier tokens do not come back', async () => {
    const { status } = await change(expired, { expires_at: inSeconds(day) });
    expect([status, (await ask(secretOf(expired))).status]).toEqual([200, 200]);
    expect(await isActive(token)).toBe(false);
    expect((await change(expired, { expires_at: null })).body.expires_at).toBeNull();
    expect((await ask(secretOf(expired))).status).toBe(200);
  });
});

describe('an earlier end', () => {
  test('revokes the tokens of the client if one could last longer, at guards too, and is in the audit trail', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.token(client);
    expect((await change(client, { expires_at: inSeconds(1_200) })).status).toBe(200);
    expect(await isActive(token)).toBe(false);
    const events = await server.eventsAbout(client.clientId);
    expect(events.at(-1)).toMatchObject({
      kind: 'client.updated',
      data: { expires_at: expect.stringMatching(/Z$/), status: { generation: expect.any(Number) } },
    });
    // The new ones end in time, so that a later end revokes nothing.
    const next = await server.token(client);
    expect((await change(client, { expires_at: inSeconds(day) })).status).toBe(200);
    expect(await isActive(next)).toBe(true);
  });

  test('revokes nothing if all tokens expire before', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    const token = await server.token(client);
    expect((await change(client, { expires_at: inSeconds(400 * day) })).status).toBe(200);
    expect(await isActive(token)).toBe(true);
  });
});

describe('expires_at and contact', () => {
  test('are shown in one form, found by lists, counted by statistics and metrics, and in no token', async () => {
    const client = await server.createClient({
      scopes: ['policy:read'],
      expires_at: '2095-01-31T13:00:00.75+01:00',
      contact: 'https://example.com/team',
    });
    const view = (await asRoot('GET', `${clientPath}/${client.clientId}`)).body;
    expect(view).toMatchObject({ expires_at: '2095-01-31T12:00:00.000Z', contact: 'https://example.com/team' });
    expect(JSON.stringify(claimsOf(await server.token(client)))).not.toContain('example.com/team');
    // What GET gives, PUT takes back, also when it is over.
    const soon = await createEnding(10 * day);
    const listed = async (days: number) =>
      (await asRoot('GET', `${clientPath}?expires_within_days=${days}&size=100`)).body.items.map(
        (one: { client_id: string }) => one.client_id,
      );
    expect(await listed(11)).toContain(soon.clientId);
    expect(await listed(9)).not.toContain(soon.clientId);
    expect(await listed(11)).not.toContain(client.clientId);
    const before = (await asRoot('GET', '/api/v1/oauth/statistics')).body.clients.expiring;
    await change(soon, { enabled: false });
    expect((await asRoot('GET', '/api/v1/oauth/statistics')).body.clients.expiring).toBe(before - 1);
    await server.advance(11 * day);
    const old = (await asRoot('GET', `${clientPath}/${soon.clientId}`)).body;
    expect(await listed(0)).toContain(soon.clientId);
    expect((await asRoot('PUT', `${clientPath}/${soon.clientId}`, { ...old, name: 'renamed' })).status).toBe(200);
    const counted = (await asRoot('GET', '/api/v1/oauth/statistics')).body.clients.expiring;
    await server.advance(60);
    expect(await server.app.metrics.metrics()).toContain(`\npostern_clients_expiring ${counted}\n`);
  });

  test.each<[string, unknown]>([
    ['expires_at', 'soon'],
    ['expires_at', '2095-02-30T00:00:00Z'],
    ['expires_at', '2095-13-01T00:00:00Z'],
    ['expires_at', '2095-01-01T24:01:00Z'],
    ['expires_at', '2095-01-01'],
    ['expires_at', '2095-01-01T00:00:00'],
    ['expires_at', '+012095-01-01T00:00:00Z'],
    ['expires_at', '2000-01-01T00:00:00Z'],
    ['expires_at', 4_000_000_000],
    ['expires_at', ''],
    ['expires_at', '2095-01-01T00:00:00Z\0'],
    ['contact', 'somebody'],
    ['contact', 'javascript:alert(1)'],
    ['contact', 'http://example.com'],
    ['contact', 'data:text/html,x@y'],
    ['contact', 'a@b@c'],
    ['contact', 'team@example.com?subject=x'],
    ['contact', 'team@example.com?bcc=other@example.com'],
    ['contact', 'team?cc=a@example.com'],
    ['contact', 'team@example.com#x'],
    ['contact', 'team%3Fcc@example.com'],
    ['contact', 'team&a@example.com'],
    ['contact', 'team@example.com,other'],
    ['contact', 'team@example.com;other'],
    ['contact', ' team@example.com'],
    ['contact', 'team@-example.com'],
    ['contact', 'team@example..'],
    ['contact', 'https:example.com'],
    ['contact', 'HTTPS://example.com'],
    ['contact', ' https://example.com'],
    ['contact', 'https://example.com/ a'],
    ['contact', 'https:\\\\example.com'],
    ['contact', 'https://example.com@other.example'],
    ['contact', 'https://user:password@example.com'],
    ['contact', 'https://'],
    ['contact', ''],
    ['contact', 'x'.repeat(321)],
    ['contact', 7],
  ])('are refused with a clear error: %s %j', async (member, value) => {
    const { status, body } = await asRoot('POST', clientPath, { [member]: value });
    expect([status, body.detail]).toEqual([422, expect.stringMatching(new RegExp(`^${member}`))]);
  });
});
