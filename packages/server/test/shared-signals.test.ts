/** Event streams that receivers poll, over HTTP. SSF 1.0, CAEP 1.0, RFC 8417, RFC 8936, docs/shared-signals.md. */
import { feedPageEvent } from '@postern/protocol';
import { type Answer, type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  clientCredentialChanged,
  clientDisabled,
  createReceiver,
  credentialChange,
  pollMethod,
  type Receiver,
  sessionRevoked,
  streamUpdated,
  tell,
  tokenRevoked,
  tokensRevoked,
  typeUri,
  verification,
  verifySet,
} from './receiver.ts';

let server: TestServer;
let root: string;
let receiver: Receiver;

beforeAll(async () => {
  server = await startTestServer({ env: { POSTERN_REGISTRATION: 'initial_access_token' } });
  root = await server.rootToken();
  receiver = await createReceiver(server);
});
afterAll(() => server.close());

async function asRoot(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await server.call(method, path, { token: root, body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer;
}

const clientPath = ({ clientId }: Credentials) => `/api/v1/oauth/client/${clientId}`;
const patch = (client: Credentials, body: object) => asRoot('PATCH', clientPath(client), body);
const aboutClient = ({ clientId }: Credentials) => ({ format: 'iss_sub', iss: server.url, sub: clientId });
const createClient = () => server.createClient({ scopes: ['policy:read', 'scope:read'] });

describe('what receivers discover', () => {
  test('SSF 1.0 §7.1 the metadata name every endpoint, what is delivered how, and how to be authorized', async () => {
    const { status, headers, body } = await server.call('GET', '/.well-known/ssf-configuration');
    expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    expect(body).toEqual({
      spec_version: '1_0',
      issuer: server.url,
      jwks_uri: `${server.url}/.well-known/jwks.json`,
      delivery_methods_supported: ['urn:ietf:rfc:8935', pollMethod],
      configuration_endpoint: `${server.url}/api/v1/ssf/stream`,
      status_endpoint: `${server.url}/api/v1/ssf/status`,
      add_subject_endpoint: `${server.url}/api/v1/ssf/subject/add`,
      remove_subject_endpoint: `${server.url}/api/v1/ssf/subject/remove`,
      verification_endpoint: `${server.url}/api/v1/ssf/verify`,
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL',
    });
  });
});

describe('streams', () => {
  test('SSF 1.0 §8.1.1.1 a stream without delivery is polled, at a URL of its own', async () => {
    const stream = await receiver.create({ description: 'for the SIEM' });
    expect(stream).toMatchObject({
      iss: server.url,
      aud: receiver.clientId,
      delivery: { method: pollMethod, endpoint_url: `${server.url}/api/v1/ssf/poll/${stream.stream_id}` },
      events_delivered: expect.arrayContaining([sessionRevoked, credentialChange, tokenRevoked]),
      min_verification_interval: 60,
      description: 'for the SIEM',
    });
    const other = await receiver.create({ delivery: { method: pollMethod } });
    expect(other.stream_id).not.toBe(stream.stream_id);
  });

  test('SSF 1.0 §8.1.1 what is requested and not known is ignored', async () => {
    const requested = [tokenRevoked, 'https://example.com/unknown'];
    const stream = await receiver.create({ events_requested: requested });
    expect([stream.events_requested, stream.events_delivered]).toEqual([requested, [tokenRevoked]]);
  });

  test('SSF 1.0 §8.1.1.2 a receiver reads its own streams, and nobody else does', async () => {
    const stranger = await createReceiver(server);
    expect((await stranger.call('GET', 'stream')).body).toEqual([]);
    const stream = await receiver.create();
    const query = `?stream_id=${stream.stream_id}`;
    expect((await receiver.call('GET', `stream${query}`)).body).toEqual(stream);
    expect((await receiver.call('GET', 'stream')).body).toContainEqual(stream);
    const body = { stream_id: stream.stream_id };
    const subject = aboutClient(receiver);
    for (const [method, path, sent] of [
      ['GET', `stream${query}`],
      ['PATCH', 'stream', body],
      ['PUT', 'stream', body],
      ['DELETE', `stream${query}`],
      ['GET', `status${query}`],
      ['POST', 'status', { ...body, status: 'paused' }],
      ['POST', 'verify', body],
      ['POST', 'subject/add', { ...body, subject }],
      ['POST', 'subject/remove', { ...body, subject }],
      ['POST', `poll/${stream.stream_id}`, {}],
    ] as const) {
      expect([path, (await stranger.call(method, path, sent)).status]).toEqual([path, 404]);
    }
  });

  test('SSF 1.0 §8.1.1.3 a change leaves what it does not name, and what the transmitter supplies must be as it is', async () => {
    const { stream_id, ...stream } = await receiver.create({ description: 'a', events_requested: [tokenRevoked] });
    const changed = await receiver.call('PATCH', 'stream', { ...stream, stream_id, description: 'b' });
    expect([changed.status, changed.body]).toEqual([200, { ...stream, stream_id, description: 'b' }]);
    for (const wrong of [{ iss: 'https://other.example.com' }, { aud: 'somebody' }, { events_delivered: [] }]) {
      const { status, body } = await receiver.call('PATCH', 'stream', { stream_id, ...wrong });
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    }
  });

  test('SSF 1.0 §8.1.1.4 what a replacement does not name gets its default', async () => {
    const { stream_id } = await receiver.create({ description: 'a', events_requested: [tokenRevoked] });
    const { body } = await receiver.call('PUT', 'stream', { stream_id, events_requested: [sessionRevoked] });
    expect(body).toMatchObject({ events_delivered: [sessionRevoked] });
    expect(body).not.toHaveProperty('description');
  });

  test('SSF 1.0 §8.1.1.5 a deleted stream is gone', async () => {
    const { stream_id } = await receiver.create();
    expect((await receiver.call('DELETE', `stream?stream_id=${stream_id}`)).status).toBe(204);
    expect((await receiver.call('GET', `stream?stream_id=${stream_id}`)).status).toBe(404);
    expect((await receiver.poll(stream_id)).status).toBe(404);
  });

  test('SSF 1.0 §8.1 streams of a client that is deleted are gone too', async () => {
    const leaving = await createReceiver(server);
    await leaving.create();
    await asRoot('DELETE', clientPath(leaving));
    const rows = (await server.rows('streams')) as { client_id: string }[];
    expect(rows.filter((row) => row.client_id === leaving.clientId)).toEqual([]);
  });

  test.each([
    ['not JSON of an object', 'POST', 'stream', []],
    ['a delivery that is not known', 'POST', 'stream', { delivery: { method: 'urn:ietf:rfc:1149' } }],
    ['a push without a place to push to', 'POST', 'stream', { delivery: { method: 'urn:ietf:rfc:8935' } }],
    ['events that are no list', 'POST', 'stream', { events_requested: tokenRevoked }],
    ['too many events', 'POST', 'stream', { events_requested: Array.from({ length: 101 }, (_, at) => `urn:${at}`) }],
    ['a change of no stream', 'PATCH', 'stream', {}],
    ['a status that is not known', 'POST', 'status', { stream_id: 'a', status: 'asleep' }],
    ['a verification of no stream', 'POST', 'verify', {}],
    ['a deletion of no stream', 'DELETE', 'stream', undefined],
  ])('SSF 1.0 §8.1.1 %s is a 400 that says why', async (_, method, path, body) => {
    const answer = await receiver.call(method, path, body);
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
    expect(answer.body.detail).toMatch(/\w+ .*\.$/);
  });

  test.each([
    ['http', 'http://example.com/events'],
    ['no URL', 'example'],
    ['credentials', 'https://user:password@example.com/events'],
    ['a fragment', 'https://example.com/#events'],
    ['loopback', 'https://127.0.0.1/events'],
    ['a name of loopback', 'https://localhost/events'],
    ['IPv6 loopback', 'https://[::1]/events'],
    ['a private network', 'https://10.1.2.3/events'],
    ['the metadata of a cloud', 'https://169.254.169.254/latest'],
  ])('RFC 8935 §5 events are not pushed to %s', async (_, endpoint_url) => {
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url };
    const { status, body } = await receiver.call('POST', 'stream', { delivery });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
    expect(body.detail).toMatch(/^delivery\/endpoint_url: /);
  });

  test('RFC 8935 §5 a receiver does not learn from a refusal what names and addresses there are inside', async () => {
    const refusalOf = async (host: string) => {
      const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: `https://${host}/events` };
      return (await receiver.call('POST', 'stream', { delivery })).body.detail;
    };
    const details = [await refusalOf('localhost'), await refusalOf('10.1.2.3'), await refusalOf('nowhere.invalid')];
    expect(new Set(details).size).toBe(1);
    expect(details[0]).not.toMatch(/localhost|127\.0\.0\.1|::1/);
    expect(server.log.join()).toMatch(/localhost is (127\.0\.0\.1|::1), which is not allowed/);
    expect(server.log.join()).toContain('10.1.2.3');
  });
});

describe('events', () => {
  test('RFC 8417 §2.2 SSF 1.0 §4.1 a SET has a type of its own, an issuer, an audience and a subject, and neither sub nor exp', async () => {
    const { stream_id } = await receiver.create({ events_requested: [tokensRevoked] });
    const client = await createClient();
    await asRoot('POST', `${clientPath(client)}/revoke`);
    const { body } = await receiver.poll(stream_id, { returnImmediately: true });
    const [set = ''] = Object.values(body.sets as Record<string, string>);
    expect(decodeProtectedHeader(set)).toEqual({ typ: 'secevent+jwt', alg: 'RS256', kid: expect.any(String) });
    const [claims] = await receiver.take(stream_id);
    expect(claims).toEqual({
      iss: server.url,
      aud: receiver.clientId,
      jti: expect.any(String),
      iat: expect.any(Number),
      txn: expect.any(String),
      sub_id: aboutClient(client),
      events: {
        [tokensRevoked]: {
          reason: 'issuer',
          event_timestamp: claims?.iat,
          initiating_entity: 'admin',
          reason_admin: { en: 'All tokens of the client were revoked.' },
        },
      },
      sequence: expect.any(Number),
      revocation: expect.objectContaining({ type: 'client', client_id: client.clientId, active: true }),
    });
  });

  test('CAEP 1.0 §3.1 session-revoked is told of everything that ends or narrows a token, with a reason', async () => {
    const { stream_id } = await receiver.create({ events_requested: [sessionRevoked] });
    const token = await server.token(await createClient());
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    await asRoot('POST', '/api/v1/oauth/revoke_one', { token });
    const narrowed = await createClient();
    await patch(narrowed, { scopes: ['policy:read'] });
    const disabled = await createClient();
    await patch(disabled, { enabled: false });
    const deleted = await createClient();
    await asRoot('DELETE', clientPath(deleted));
    const sets = await receiver.take(stream_id);
    expect(tell(sets)).toEqual([
      ['session-revoked', { format: 'jwt_id', iss: server.url, jti }],
      ['session-revoked', aboutClient(narrowed)],
      ['session-revoked', aboutClient(disabled)],
      ['session-revoked', aboutClient(deleted)],
    ]);
    for (const { events } of sets) {
      expect(events[sessionRevoked].reason_admin.en).toMatch(/^The \w+ .*\.$/);
    }
  });

  test('CAEP 1.0 §3.1 nothing is told of a client that may do more', async () => {
    const { stream_id } = await receiver.create();
    const client = await createClient();
    await patch(client, { scopes: ['policy:read', 'scope:read', 'storage:read'], name: 'wider' });
    expect(tell(await receiver.take(stream_id))).toEqual([
      ['credential-change', aboutClient(client)],
      ['client-credential-changed', aboutClient(client)],
    ]);
  });

  test('CAEP 1.0 §3.3 OAuth Event Types 1.0 §3.6 a secret that is created or deleted is a changed credential', async () => {
    const { stream_id } = await receiver.create({ events_requested: [credentialChange, clientCredentialChanged] });
    const client = await createClient();
    const [created] = await receiver.take(stream_id);
    await asRoot('POST', `${clientPath(client)}/secret`, { overlap_seconds: 60 });
    const { items } = (await asRoot('GET', `${clientPath(client)}/secret`)).body;
    await asRoot('DELETE', `${clientPath(client)}/secret/${items.at(-1).secret_id}`);
    expect(created?.events[credentialChange]).toMatchObject({
      credential_type: 'password',
      change_type: 'create',
      reason_admin: { en: expect.any(String) },
    });
    expect((await receiver.take(stream_id)).map(({ events }) => Object.values(events)[0]?.change_type)).toEqual([
      'create',
      undefined,
      'delete',
      undefined,
    ]);
  });

  test('CAEP 1.0 §3.3 another SPIFFE ID or bundle is a changed credential', async () => {
    const { stream_id } = await receiver.create({ events_requested: [credentialChange] });
    const metadata = {
      token_endpoint_auth_method: 'spiffe_jwt',
      spiffe_bundle_endpoint: 'https://spire.example/bundle',
    };
    const client = await server.createClient({ ...metadata, spiffe_id: 'spiffe://example.org/a' });
    await patch(client, { spiffe_id: 'spiffe://example.org/b' });
    await patch(client, { spiffe_bundle_endpoint: 'https://spire.example/other' });
    await patch(client, { name: 'the same credentials' });
    const changes = (await receiver.take(stream_id)).map(({ events }) => events[credentialChange]);
    const change = expect.objectContaining({ credential_type: 'spiffe', change_type: 'update' });
    expect(changes).toEqual([change, change]);
  });

  test('OAuth Event Types 1.0 §3.2 to §3.5 the end of a token, of all tokens and of a client, and its return', async () => {
    const types = ['token-revoked', 'tokens-revoked', 'client-disabled', 'client-enabled'];
    const requested = types.map((name) => typeUri(`oauth/event-type/${name}`));
    const { stream_id } = await receiver.create({ events_requested: requested });
    const client = await createClient();
    await server.postForm('/api/v1/oauth/revoke', {
      token: await server.token(client),
      client_id: client.clientId,
      client_secret: client.clientSecret,
    });
    await patch(client, { enabled: false });
    await patch(client, { enabled: true });
    const sets = await receiver.take(stream_id);
    expect(tell(sets)).toEqual([
      ['token-revoked', { format: 'jwt_id', iss: server.url, jti: expect.any(String) }],
      ['client-disabled', aboutClient(client)],
      ['tokens-revoked', aboutClient(client)],
      ['client-enabled', aboutClient(client)],
    ]);
    expect(sets[0]?.events[tokenRevoked]).toMatchObject({ reason: 'api', token_subject: aboutClient(client) });
    expect(sets[1]?.events[clientDisabled]).toMatchObject({ initiating_entity: 'admin' });
  });

  test('SSF 1.0 §4.1.9 the SETs of one change have one txn', async () => {
    const { stream_id } = await receiver.create();
    await patch(await createClient(), { enabled: false });
    const sets = await receiver.take(stream_id);
    const ends = sets.filter(({ events }) => !(credentialChange in events || clientCredentialChanged in events));
    expect(ends.length).toBe(3);
    expect(new Set(ends.map(({ txn }) => txn)).size).toBe(1);
    expect(new Set(sets.map(({ jti }) => jti)).size).toBe(sets.length);
  });
});

describe('subjects', () => {
  test('SSF 1.0 §8.1.3.3 events of a subject that was removed are not delivered, until it is added again', async () => {
    const { stream_id } = await receiver.create({ events_requested: [tokensRevoked] });
    const [loud, quiet] = [await createClient(), await createClient()];
    const subject = aboutClient(loud);
    const revokeBoth = async () => {
      for (const client of [loud, quiet]) {
        await asRoot('POST', `${clientPath(client)}/revoke`);
      }
      return tell(await receiver.take(stream_id)).map(([, about]) => about);
    };
    expect((await receiver.call('POST', 'subject/remove', { stream_id, subject })).status).toBe(204);
    expect(await revokeBoth()).toEqual([aboutClient(quiet)]);
    const added = await receiver.call('POST', 'subject/add', { stream_id, subject });
    expect([added.status, added.body]).toEqual([200, '']);
    expect(await revokeBoth()).toEqual([aboutClient(loud), aboutClient(quiet)]);
  });

  test('SSF 1.0 §8.1.3.2 a stream about none delivers only events of what is added: a client with its tokens', async () => {
    const { stream_id } = await receiver.create({
      default_subjects: 'NONE',
      events_requested: [tokenRevoked, tokensRevoked],
    });
    const [mine, other] = [await createClient(), await createClient()];
    await receiver.call('POST', 'subject/add', { stream_id, subject: aboutClient(mine), verified: true });
    for (const client of [other, mine]) {
      await asRoot('POST', '/api/v1/oauth/revoke_one', { token: await server.token(client) });
      await asRoot('POST', `${clientPath(client)}/revoke`);
    }
    expect(tell(await receiver.take(stream_id)).map(([type]) => type)).toEqual(['token-revoked', 'tokens-revoked']);
  });

  test.each(['PATCH', 'PUT'])('SSF 1.0 §8.1.3 a %s to all subjects leaves out none that was added', async (method) => {
    const { stream_id } = await receiver.create({ default_subjects: 'NONE' });
    const client = await createClient();
    await receiver.call('POST', 'subject/add', { stream_id, subject: aboutClient(client) });
    const all = { stream_id, events_requested: [tokensRevoked], default_subjects: 'ALL' };
    expect((await receiver.call(method, 'stream', all)).status).toBe(200);
    await asRoot('POST', `${clientPath(client)}/revoke`);
    expect(tell(await receiver.take(stream_id))).toEqual([['tokens-revoked', aboutClient(client)]]);
  });

  test('SSF 1.0 §8.1.3.2 a single token can be added', async () => {
    const { stream_id } = await receiver.create({ default_subjects: 'NONE', events_requested: [tokenRevoked] });
    const client = await createClient();
    const [one, other] = [await server.token(client), await server.token(client)];
    const { jti } = JSON.parse(Buffer.from(one.split('.')[1] ?? '', 'base64url').toString());
    const subject = { format: 'jwt_id', iss: server.url, jti };
    await receiver.call('POST', 'subject/add', { stream_id, subject });
    await asRoot('POST', '/api/v1/oauth/revoke_one', { token: other });
    await asRoot('POST', '/api/v1/oauth/revoke_one', { token: one });
    expect(tell(await receiver.take(stream_id))).toEqual([['token-revoked', subject]]);
  });

  test.each([
    ['of no format', {}, 400],
    ['of an unknown format', { format: 'email', email: 'a@example.com' }, 400],
    ['whose format is no text', { format: ['opaque'], id: 'a' }, 400],
    ['of a format that everything inherits', { format: 'constructor' }, 400],
    ['that is incomplete', { format: 'iss_sub', iss: 'here' }, 400],
    ['with more members', { format: 'opaque', id: 'a', sub: 'b' }, 400],
    ['whose member is no text', { format: 'opaque', id: 5 }, 400],
    ['of another issuer', { format: 'iss_sub', iss: 'https://other.example.com', sub: 'a' }, 404],
  ])('SSF 1.0 §8.1.3.2 a subject %s is refused', async (_, subject, expected) => {
    const { stream_id } = await receiver.create();
    const { status, body } = await receiver.call('POST', 'subject/add', { stream_id, subject });
    expect([status, body.detail]).toEqual([expected, expect.stringMatching(/^subject: /)]);
  });

  test('SSF 1.0 §9.1 nobody learns by adding it whether a client exists', async () => {
    const { stream_id } = await receiver.create();
    const subject = { format: 'iss_sub', iss: server.url, sub: 'no-such-client' };
    expect((await receiver.call('POST', 'subject/add', { stream_id, subject })).status).toBe(200);
  });
});

describe('status', () => {
  const revokeOf = (client: Credentials) => asRoot('POST', `${clientPath(client)}/revoke`);

  test('SSF 1.0 §8.1.2.1 §8.1.2.2 a stream is enabled first, and the receiver changes that, with a reason', async () => {
    const { stream_id } = await receiver.create();
    const read = async () => (await receiver.call('GET', `status?stream_id=${stream_id}`)).body;
    expect(await read()).toEqual({ stream_id, status: 'enabled' });
    const paused = { stream_id, status: 'paused', reason: 'maintenance' };
    expect((await receiver.call('POST', 'status', paused)).body).toEqual(paused);
    expect(await read()).toEqual(paused);
  });

  test('SSF 1.0 §8.1.2.1 what happens while it is paused is held, in order', async () => {
    const { stream_id } = await receiver.create({ events_requested: [tokensRevoked] });
    const clients = [await createClient(), await createClient()];
    await receiver.call('POST', 'status', { stream_id, status: 'paused' });
    for (const client of clients) {
      await revokeOf(client);
    }
    expect(await receiver.take(stream_id)).toEqual([]);
    await receiver.call('POST', 'status', { stream_id, status: 'enabled' });
    expect(tell(await receiver.take(stream_id)).map(([, about]) => about)).toEqual(clients.map(aboutClient));
  });

  test('SSF 1.0 §8.1.2.1 what happens while it is disabled is not held', async () => {
    const { stream_id } = await receiver.create({ events_requested: [tokensRevoked] });
    const [before, after] = [await createClient(), await createClient()];
    await receiver.call('POST', 'status', { stream_id, status: 'disabled' });
    await revokeOf(before);
    expect(await receiver.take(stream_id)).toEqual([]);
    await receiver.call('POST', 'status', { stream_id, status: 'enabled' });
    await revokeOf(after);
    expect(tell(await receiver.take(stream_id))).toEqual([['tokens-revoked', aboutClient(after)]]);
  });
});

describe('verification', () => {
  test('SSF 1.0 §8.1.4 the event has the state, and the stream as its subject, whatever was requested', async () => {
    const { stream_id } = await receiver.create({ events_requested: [] });
    const other = await receiver.create();
    const { status, body } = await receiver.call('POST', 'verify', { stream_id, state: 'VGhpcyBpcyBh' });
    expect([status, body]).toEqual([204, '']);
    const [claims] = await receiver.take(stream_id);
    expect(claims).toMatchObject({
      sub_id: { format: 'opaque', id: stream_id },
      events: { [verification]: { state: 'VGhpcyBpcyBh' } },
    });
    expect(await receiver.take(other.stream_id)).toEqual([]);
  });

  test('SSF 1.0 §8.1.1 a receiver that asks more often than min_verification_interval gets 429', async () => {
    const { stream_id, min_verification_interval } = await receiver.create();
    await receiver.call('POST', 'verify', { stream_id });
    const again = await receiver.call('POST', 'verify', { stream_id });
    expect([again.status, again.headers.has('retry-after')]).toEqual([429, true]);
    server.jump(min_verification_interval);
    expect((await receiver.call('POST', 'verify', { stream_id })).status).toBe(204);
    server.jump(-min_verification_interval);
    const [first, second] = await receiver.take(stream_id);
    expect([first?.events[verification], second?.events[verification]]).toEqual([{}, {}]);
  });
});

describe('polling', () => {
  const revokeSome = async (count: number) => {
    const client = await createClient();
    for (let at = 0; at < count; at += 1) {
      await asRoot('POST', `${clientPath(client)}/revoke`);
    }
  };
  const createStream = async () => (await receiver.create({ events_requested: [tokensRevoked] })).stream_id as string;

  test('RFC 8936 §2.4.1 SETs are sent again until they are acknowledged, with the same jti', async () => {
    const id = await createStream();
    await revokeSome(2);
    const first = await receiver.poll(id, { returnImmediately: true });
    expect(Object.keys(first.body.sets)).toHaveLength(2);
    expect((await receiver.poll(id, { returnImmediately: true })).body).toEqual(first.body);
  });

  test('RFC 8936 §2.4.2 maxEvents 0 only acknowledges, in whatever order', async () => {
    const id = await createStream();
    await revokeSome(3);
    const { body } = await receiver.poll(id, { returnImmediately: true });
    const [one = '', two = '', three = ''] = Object.keys(body.sets);
    const acknowledged = await receiver.poll(id, { maxEvents: 0, ack: [three, one, 'unknown', '9-9-x'] });
    expect(acknowledged.body).toEqual({ sets: {}, moreAvailable: true });
    expect(Object.keys((await receiver.poll(id, { returnImmediately: true })).body.sets)).toEqual([two]);
    expect((await receiver.poll(id, { maxEvents: 0, ack: [two] })).body).toEqual({ sets: {}, moreAvailable: false });
  });

  test('RFC 8936 §2.4.3 a poll acknowledges and gets the next, at most maxEvents of them', async () => {
    const id = await createStream();
    await revokeSome(3);
    const first = (await receiver.poll(id, { maxEvents: 2 })).body;
    expect([Object.keys(first.sets).length, first.moreAvailable]).toEqual([2, true]);
    const last = (await receiver.poll(id, { maxEvents: 2, ack: Object.keys(first.sets) })).body;
    expect([Object.keys(last.sets).length, last.moreAvailable]).toEqual([1, false]);
    expect(Object.keys(first.sets)).not.toContain(Object.keys(last.sets)[0]);
  });

  test('RFC 8936 §2.4.4 a SET that the receiver does not accept is not sent again, and administrators see why', async () => {
    const id = await createStream();
    await revokeSome(1);
    const { body } = await receiver.poll(id, { returnImmediately: true });
    const [jti = ''] = Object.keys(body.sets);
    const setErrs = { [jti]: { err: 'invalid_key', description: 'Unknown key' } };
    expect((await receiver.poll(id, { returnImmediately: true, setErrs })).body.sets).toEqual({});
    const { items } = (await asRoot('GET', '/api/v1/oauth/stream?size=100')).body;
    expect(items.find((item: { id: string }) => item.id === id).fault).toBe(`${jti}: invalid_key Unknown key`);
  });

  test('RFC 8936 §2.4 what a receiver complains about is one line of text for administrators, whatever it sends', async () => {
    const id = await createStream();
    await revokeSome(1);
    const { body } = await receiver.poll(id, { returnImmediately: true });
    const [jti = ''] = Object.keys(body.sets);
    const setErrs = { [jti]: { err: 'a\u0000b', description: '\u001b[2J\n\u{1f600}' } };
    expect((await receiver.poll(id, { returnImmediately: true, setErrs })).status).toBe(200);
    const { items } = (await asRoot('GET', '/api/v1/oauth/stream?size=100')).body;
    expect(items.find((item: { id: string }) => item.id === id).fault).toBe(`${jti}: a?b ?[2J???`);
  });

  test('RFC 8936 §2.2 a poll without SETs is held until there is one', async () => {
    const id = await createStream();
    const held = receiver.poll(id);
    await revokeSome(1);
    expect(Object.keys((await held).body.sets)).toHaveLength(1);
  });

  test('RFC 8936 §2.2 what is not for the stream does not end the hold', async () => {
    const id = await createStream();
    const held = receiver.poll(id);
    await patch(await createClient(), { name: 'other' });
    const client = await createClient();
    await asRoot('POST', `${clientPath(client)}/revoke`);
    expect(Object.keys((await held).body.sets)).toHaveLength(1);
  });

  test('RFC 8936 §3 a receiver whose client is disabled while it waits gets nothing', async () => {
    const leaving = await createReceiver(server);
    const { stream_id } = await leaving.create();
    const held = leaving.poll(stream_id);
    await patch(leaving, { enabled: false });
    expect((await held).status).toBe(401);
  });

  test.each([
    ['a negative number', { maxEvents: -1 }],
    ['a text for a number', { maxEvents: '5' }],
    ['acknowledgments that are no list', { ack: 'jti' }],
    ['errors that are no objects', { setErrs: { jti: 'invalid_key' } }],
    ['errors without a code', { setErrs: { jti: { description: 'bad' } } }],
    ['too many acknowledgments', { ack: Array.from({ length: 1_001 }, String) }],
  ])('RFC 8936 §2.2 %s is a 400 that says why', async (_, body) => {
    const answer = await receiver.poll(await createStream(), body);
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('a stream that delivers the revocation feed', () => {
  const createFeed = async () => (await receiver.create({ events_requested: [feedPageEvent] })).stream_id as string;
  const disable = async () => {
    const client = await createClient();
    await patch(client, { enabled: false });
    return { type: 'client', client_id: client.clientId, active: false };
  };

  /** Polls after the page with this id, and returns the id of the next one, its claims and what it says. */
  async function readPage(id: string, ack: readonly string[] = [], body: object = {}) {
    const answer = await receiver.poll(id, { wait: 0, ack, ...body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const [[jti, set] = ['', '']] = Object.entries(answer.body.sets as Record<string, string>);
    const claims = await verifySet(server, set, receiver.clientId);
    return { jti, claims, page: claims.events[feedPageEvent], more: answer.body.moreAvailable };
  }

  test('RFC 8936 §2.4 begins with all that is revoked already, and goes on after the page that is acknowledged', async () => {
    const early = await disable();
    const id = await createFeed();
    const first = await readPage(id);
    expect(first.page).toMatchObject({ after: null, snapshot: true, history_changed: false, more: false });
    expect(first.page.entries).toContainEqual(early);
    const late = await disable();
    const second = await readPage(id, [first.jti]);
    expect(second.page).toMatchObject({ after: first.jti, snapshot: false, entries: [late] });
    const last = await readPage(id, [second.jti]);
    expect(last.page).toMatchObject({ after: second.jti, snapshot: false, entries: [] });
    expect((await readPage(id, [first.jti])).page.entries).toEqual([late]);
    expect((await readPage(id)).page.entries).toEqual(expect.arrayContaining([early, late]));
  });

  test('RFC 8417 §2.2 each page is a SET about the stream, for the receiver, with an id of its own and the time of its signature', async () => {
    const id = await createFeed();
    const [one, other] = [await readPage(id), await readPage(id, ['unknown'])];
    expect(one.claims).toEqual({
      iss: server.url,
      aud: receiver.clientId,
      jti: one.jti,
      iat: expect.any(Number),
      sub_id: { format: 'opaque', id },
      events: { [feedPageEvent]: one.page },
    });
    expect(one.page).toEqual({
      after: null,
      snapshot: true,
      more: false,
      history_changed: false,
      lag_seconds: expect.any(Number),
      entries: expect.any(Array),
    });
    expect([other.jti === one.jti, other.page.after, other.page.history_changed]).toEqual([false, 'unknown', true]);
  });

  test('RFC 8936 §2.2 a nonce is signed with the page, for the receiver alone that asked with it', async () => {
    const id = await createFeed();
    const { jti } = await readPage(id);
    const nonces = ['0123456789abcdef', 'fedcba9876543210'];
    for (const nonce of nonces) {
      expect((await readPage(id, [jti], { nonce })).page).toMatchObject({ after: jti, nonce, entries: [] });
    }
    expect((await readPage(id, [jti])).page).not.toHaveProperty('nonce');
    for (const nonce of ['short', 'a'.repeat(65), 'not base64url!!!', 5]) {
      const { status, body } = await receiver.poll(id, { nonce });
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    }
  });

  test('RFC 8936 §2.2 a poll without news is held, and then says that there is none', async () => {
    const id = await createFeed();
    const { jti } = await readPage(id);
    const held = readPage(id, [jti], { wait: 30 });
    const news = await disable();
    expect((await held).page.entries).toEqual([news]);
    const none = await readPage(id, [(await held).jti], { wait: 1 });
    expect([none.page.snapshot, none.page.entries]).toEqual([false, []]);
  });

  test('what no other event says ends the hold too: a client that gets more', async () => {
    const client = await server.createClient({ scopes: ['policy:read'] });
    await patch(client, { scopes: [] });
    const id = await createFeed();
    const { jti } = await readPage(id);
    const held = readPage(id, [jti], { wait: 30 });
    await patch(client, { scopes: ['policy:read'] });
    expect((await held).page.entries).toMatchObject([{ client_id: client.clientId, scopes: ['policy:read'] }]);
  });

  test('SSF 1.0 §8.1.4 it can be verified', async () => {
    const id = await createFeed();
    const { jti } = await readPage(id);
    await receiver.call('POST', 'verify', { stream_id: id, state: 'abc' });
    const { sets } = (await receiver.poll(id, { ack: [jti] })).body;
    const claims = await Promise.all(
      Object.values(sets as Record<string, string>).map((set) => verifySet(server, set, receiver.clientId)),
    );
    expect(claims.map(({ events }) => Object.keys(events)[0])).toEqual([feedPageEvent, verification]);
    const after = (await receiver.poll(id, { ack: Object.keys(sets), wait: 0 })).body;
    expect(Object.keys(after.sets)).toHaveLength(1);
  });

  test.each(['paused', 'disabled'])('SSF 1.0 §8.1.2 it says nothing while it is %s', async (status) => {
    const id = await createFeed();
    const { jti } = await readPage(id);
    await receiver.call('POST', 'status', { stream_id: id, status });
    const news = await disable();
    expect((await receiver.poll(id, { ack: [jti], wait: 0 })).body.sets).toEqual({});
    await receiver.call('POST', 'status', { stream_id: id, status: 'enabled' });
    expect((await readPage(id, [jti])).page.entries).toEqual([news]);
  });

  test('RFC 8936 §2.4.2 maxEvents 0 gets no page', async () => {
    expect((await receiver.poll(await createFeed(), { maxEvents: 0 })).body.sets).toEqual({});
  });

  test('a receiver without revocation:read gets no page of it, however it came to the stream', async () => {
    const other = await createReceiver(server, ['ssf.read', 'ssf.manage']);
    const { stream_id: id } = await other.create({ events_requested: [feedPageEvent] });
    const { status, body, headers } = await other.poll(String(id), { wait: 0 });
    expect([status, JSON.stringify(body)]).toEqual([403, expect.stringContaining('revocation:read')]);
    expect(headers.get('www-authenticate')).toContain('scope="revocation:read"');
    const { stream_id: ordinary } = await other.create({ description: 'of events' });
    expect((await other.poll(String(ordinary), { wait: 0 })).status).toBe(200);
  });

  test('nobody has it who does not ask for it, and nothing is written for it', async () => {
    const { events_delivered, events_supported } = await receiver.create();
    expect([events_delivered.includes(feedPageEvent), events_supported.includes(feedPageEvent)]).toEqual([false, true]);
    const id = await createFeed();
    const rowsOf = async () => ((await server.rows('streams')) as { id: string }[]).find((row) => row.id === id);
    const before = await rowsOf();
    const { jti } = await readPage(id);
    await disable();
    await readPage(id, [jti]);
    expect(await rowsOf()).toEqual(before);
  });

  test('it delivers nothing else, and is not pushed', async () => {
    const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://198.41.0.4/events' };
    const id = await createFeed();
    const { stream_id } = await receiver.create();
    for (const [method, body] of [
      ['POST', { events_requested: [feedPageEvent, tokensRevoked] }],
      ['POST', { events_requested: [feedPageEvent], delivery }],
      ['PATCH', { stream_id: id, events_requested: [feedPageEvent, tokensRevoked] }],
      ['PATCH', { stream_id: id, delivery }],
      ['PUT', { stream_id, events_requested: [feedPageEvent, tokensRevoked] }],
    ] as const) {
      const answer = await receiver.call(method, 'stream', body);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
      expect(answer.body.detail).toContain(feedPageEvent);
    }
  });
});

describe('bounds', () => {
  test('a client has at most 100 streams', async () => {
    const greedy = await createReceiver(server);
    for (let at = 0; at < 100; at += 1) {
      await greedy.create();
    }
    const { status, body } = await greedy.call('POST', 'stream', {});
    expect([status, body.error]).toEqual([409, 'conflict']);
    expect(body.detail).toContain('100 event streams');
  });

  test('SSF 1.0 §8.1.5 a stream whose receiver takes nothing is paused, says so, and loses nothing', async () => {
    const { stream_id } = await receiver.create({ events_requested: [tokensRevoked] });
    const client = await createClient();
    await asRoot('POST', `${clientPath(client)}/revoke`);
    await server.advance(7 * 86_400 + 60);
    const status = (await receiver.call('GET', `status?stream_id=${stream_id}`)).body;
    expect(status).toMatchObject({ status: 'paused', reason: expect.stringMatching(/^The receiver has not taken/) });
    const [notice] = await receiver.take(stream_id);
    expect(notice).toMatchObject({
      sub_id: { format: 'opaque', id: stream_id },
      events: { [streamUpdated]: { status: 'paused', reason: status.reason } },
    });
    expect(await receiver.take(stream_id)).toEqual([]);
    await receiver.call('POST', 'status', { stream_id, status: 'enabled' });
    expect(tell(await receiver.take(stream_id))).toEqual([['tokens-revoked', aboutClient(client)]]);
  });
});
