/** When a genuine token is no longer active. */
import { type AccessToken, findRevocationReason, parentTokensClaim } from '@postern/guard';
import { describe, expect, test } from 'vitest';
import { type Client, newClient } from './client.ts';
import { clientStatusOf, findInactiveReason } from './token-status.ts';

const issuer = 'https://auth.example.com';
const api = 'https://api.example.com';
const client: Client = {
  ...newClient('client', 0),
  scopes: new Set(['policy:read', 'rule:read']),
  generation: 3,
};
const root: Client = { ...client, isRoot: true };
const token: AccessToken = {
  issuer,
  subject: 'client',
  clientId: 'client',
  audience: [issuer],
  jti: 'a7f1',
  kid: 'key',
  scopes: new Set(['policy:read']),
  generation: 3,
  confirmation: undefined,
  issuedAt: 0,
  expiresAt: 1,
  claims: {},
};

const isKeyPublished = () => true;
const now = () => 1_000;

describe('a token is active', () => {
  test.each<[string, AccessToken, Client]>([
    ['while its client is as it was', token, client],
    ['with all scopes of its client', { ...token, scopes: client.scopes }, client],
    ['without any scope', { ...token, scopes: new Set() }, client],
    ['when its client got more scopes', token, { ...client, scopes: client.scopes.union(new Set(['rule:delete'])) }],
    ['when another scope was withdrawn', token, { ...client, scopes: new Set(['policy:read']) }],
    ['when another node knows of a newer generation', { ...token, generation: 4 }, client],
    ['for root, in the same generation', token, root],
    [
      'for a resource that its client may ask for',
      { ...token, audience: [api] },
      { ...client, metadata: { resources: [api] } },
    ],
  ])('%s', (_, held, holder) => {
    expect(findRevocationReason(held, clientStatusOf(holder), issuer)).toBeUndefined();
  });
});

describe('a token is no longer active', () => {
  test.each<[string, AccessToken, Client | undefined, string]>([
    ['when its client is gone', token, undefined, 'client_unknown'],
    ['when its client is disabled', token, { ...client, enabled: false }, 'client_disabled'],
    ['when its generation is over', { ...token, generation: 2 }, client, 'generation_old'],
    ['when its scope was withdrawn', token, { ...client, scopes: new Set(['rule:read']) }, 'scope_withdrawn'],
    [
      'when one of its scopes was',
      { ...token, scopes: client.scopes },
      { ...client, scopes: token.scopes },
      'scope_withdrawn',
    ],
    [
      'for a resource that its client may not ask for any more',
      { ...token, audience: [api] },
      client,
      'resource_withdrawn',
    ],
    ['for root, in an earlier generation', { ...token, generation: 2 }, root, 'generation_old'],
    ['for root, in a generation of a higher number', { ...token, generation: 4 }, root, 'generation_old'],
  ])('%s', (_, held, holder, reason) => {
    expect(findRevocationReason(held, clientStatusOf(holder), issuer)).toBe(reason);
  });

  test('when it was revoked, whatever else', async () => {
    const lookups = {
      issuer,
      findClient: async () => undefined,
      isRevoked: (jti: string) => jti === token.jti,
      isKeyPublished,
      now,
    };
    expect(await findInactiveReason(token, lookups)).toBe('token_revoked');
  });
});

describe('authorization details', () => {
  const held = { ...token, claims: { authorization_details: [{ type: 'payment' }, { type: 'account' }] } };
  const holder = (...types: string[]) => ({ ...client, metadata: { authorizationDetailsTypes: types } });

  test('are active while their types are those of the client, and for root', () => {
    expect(findRevocationReason(held, clientStatusOf(holder('account', 'payment')), issuer)).toBeUndefined();
    expect(findRevocationReason(held, clientStatusOf(root), issuer)).toBeUndefined();
  });

  test.each([[['payment']], [[]]])('are no longer active when the client has only %j', (types) => {
    expect(findRevocationReason(held, clientStatusOf(holder(...types)), issuer)).toBe('details_type_withdrawn');
  });
});

describe('an exchanged token', () => {
  const first = { ...client, id: 'first' };
  const second = { ...client, id: 'second' };
  const subject = { ...token, clientId: 'first', jti: 'subject', kid: 'older', scopes: first.scopes };
  const exchanged = {
    ...token,
    clientId: 'second',
    jti: 'exchanged',
    claims: { parent_tokens: parentTokensClaim(subject) },
  };
  const faultWith = (clients: Client[], revoked: string[] = [], unpublished: string[] = []) =>
    findInactiveReason(exchanged, {
      issuer,
      findClient: async (id) => clients.find((one) => one.id === id),
      isRevoked: (jti) => revoked.includes(jti),
      isKeyPublished: (kid) => !unpublished.includes(kid),
      now,
    });

  test('is active while all its parent tokens are', async () => {
    expect(await faultWith([first, second])).toBeUndefined();
  });

  test('is active when the subject client loses a scope that this token does not hold', async () => {
    expect(await faultWith([{ ...first, scopes: new Set(['policy:read']) }, second])).toBeUndefined();
  });

  test.each<[string, Client[], string[], string]>([
    ['it was revoked', [first, second], ['exchanged'], 'token_revoked'],
    ['the subject token was revoked', [first, second], ['subject'], 'token_revoked'],
    ['its client is gone', [first], [], 'client_unknown'],
    ['the subject client is gone', [second], [], 'client_unknown'],
    ['the subject client is disabled', [{ ...first, enabled: false }, second], [], 'client_disabled'],
    ['the tokens of the subject client were revoked', [{ ...first, generation: 4 }, second], [], 'generation_old'],
    [
      'the subject client lost its scope',
      [{ ...first, scopes: new Set(['rule:read']) }, second],
      [],
      'scope_withdrawn',
    ],
    ['its own client lost the scope', [first, { ...second, scopes: new Set() }], [], 'scope_withdrawn'],
  ])('is no longer active when %s', async (_, clients, revoked, reason) => {
    expect(await faultWith(clients, revoked)).toBe(reason);
  });

  test.each(['older', 'key'])(
    'is no longer active when the key %s was revoked, which signed one of them',
    async (kid) => {
      expect(await faultWith([first, second], [], [kid])).toBe('key_revoked');
    },
  );

  test('is no longer active when the subject client may not ask for the audience any more', async () => {
    const forApi = (id: string, ...resources: string[]) => ({ ...client, id, metadata: { resources } });
    const onApi = {
      ...exchanged,
      audience: [api],
      claims: { parent_tokens: parentTokensClaim({ ...subject, audience: [api] }) },
    };
    const fault = (...clients: Client[]) =>
      findInactiveReason(onApi, {
        issuer,
        findClient: async (id) => clients.find((one) => one.id === id),
        isRevoked: () => false,
        isKeyPublished,
        now,
      });
    expect(await fault(forApi('first', api), forApi('second', api))).toBeUndefined();
    expect(await fault(forApi('first'), forApi('second', api))).toBe('resource_withdrawn');
  });
});
