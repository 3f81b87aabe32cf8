/** A delegate with limits, for the attacks of a client that wants more than it was given. */
import { randomUUID } from 'node:crypto';
import type { Answer, Target } from './target.ts';

export interface Delegate {
  readonly id: string;
  readonly token: string;
  /** A call by it, alone or as a batch; the answer to that call. */
  call(way: (typeof ways)[number], method: string, path: string, body?: object): Promise<Answer>;
}

export const ways = ['alone', 'in a batch'] as const;

/** What a client may have, and how a client looks that has more. */
export interface Limit {
  readonly name: string;
  /** The delegate's own metadata. */
  readonly own: object;
  /** Metadata that a client within the limit may have. */
  readonly within: object;
  /** Metadata that goes beyond it. An empty one leaves the limit out. */
  readonly beyond: readonly object[];
  // biome-ignore lint/suspicious/noExplicitAny: the client as the API shows it
  readonly isExceeded: (client: any) => boolean;
}

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const assertionGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** All that limits a client beside its scopes. */
export async function makeLimits(target: Target): Promise<Limit[]> {
  const [mine, other] = [await target.createResource(), await target.createResource()];
  const type = `type-${randomUUID()}`;
  await target.asRoot('PUT', '/api/v1/oauth/authorization-details-type', {
    type,
    schema: { type: 'object', properties: { type: { const: type } }, required: ['type'], additionalProperties: false },
  });
  return [
    {
      name: 'resources',
      own: { resources: [mine] },
      within: { resources: [mine] },
      beyond: [{ resources: [other] }, { resources: [mine, other] }],
      isExceeded: (client) => client.resources?.includes(other) === true,
    },
    {
      name: 'types of authorization details',
      own: {},
      within: {},
      beyond: [{ authorization_details_types: [type] }],
      isExceeded: (client) => client.authorization_details_types?.includes(type) === true,
    },
    {
      name: 'lifetime',
      own: { access_token_ttl_seconds: 300 },
      within: { access_token_ttl_seconds: 200 },
      beyond: [
        { access_token_ttl_seconds: 31_536_000 },
        { access_token_ttl_seconds: 315_360_000 },
        { access_token_ttl_seconds: 301 },
        { access_token_ttl_seconds: null },
        {},
      ],
      isExceeded: (client) => !(client.access_token_ttl_seconds <= 300 && client.access_token_ttl_seconds !== null),
    },
    {
      name: 'fixed claims',
      own: { fixed_claims: { tenant: 'a' } },
      within: { fixed_claims: { tenant: 'a' } },
      beyond: [
        { fixed_claims: { tenant: 'b' } },
        { fixed_claims: { tenant: 'a', role: 'x' } },
        { fixed_claims: null },
        {},
      ],
      isExceeded: (client) => JSON.stringify(client.fixed_claims) !== '{"tenant":"a"}',
    },
    {
      name: 'end',
      own: { expires_at: '2098-01-01T00:00:00Z' },
      within: { expires_at: '2097-01-01T00:00:00Z' },
      beyond: [{ expires_at: '2099-01-01T00:00:00Z' }, { expires_at: null }, {}],
      isExceeded: (client) => !(client.expires_at !== null && client.expires_at <= '2098-01-01T00:00:00.000Z'),
    },
    {
      name: 'networks',
      own: { allowed_networks: ['127.0.0.0/8'] },
      within: { allowed_networks: ['127.0.0.1/32'] },
      beyond: [{ allowed_networks: ['0.0.0.0/0'] }, { allowed_networks: null }, {}],
      isExceeded: (client) => client.allowed_networks?.every((one: string) => one.startsWith('127.')) !== true,
    },
    {
      name: 'quota',
      own: { token_quota_per_minute: 30 },
      within: { token_quota_per_minute: 10 },
      beyond: [{ token_quota_per_minute: 31 }, { token_quota_per_minute: null }, {}],
      isExceeded: (client) => !(client.token_quota_per_minute <= 30),
    },
    {
      name: 'binding to a DPoP key',
      own: { dpop_bound_access_tokens: true },
      within: { dpop_bound_access_tokens: true },
      beyond: [{ dpop_bound_access_tokens: false }, {}],
      isExceeded: (client) => client.dpop_bound_access_tokens !== true,
    },
    {
      name: 'grant types',
      own: { grant_types: ['client_credentials'] },
      within: { grant_types: ['client_credentials'] },
      beyond: [{ grant_types: ['client_credentials', exchangeGrant] }, { grant_types: [assertionGrant] }],
      isExceeded: (client) => client.grant_types?.some((grant: string) => grant !== 'client_credentials') === true,
    },
  ];
}

/** A client that may assign all the scopes that it has, so that only its other limits stop it. */
export async function createDelegate(
  target: Target,
  own: object,
  moreScopes: readonly string[] = [],
): Promise<Delegate> {
  const scopes = ['client:create', 'client:read', 'client:update', 'client:delete', 'policy:read', 'batch:apply'];
  const held = [...scopes, ...moreScopes];
  const credentials = await target.createClient({ scopes: held, grantable_scopes: held });
  const token = await target.token(credentials);
  // Afterwards, so that the delegate has a token although its own tokens would have to be bound.
  await target.asRoot('PATCH', `/api/v1/oauth/client/${credentials.clientId}`, own);
  return {
    id: credentials.clientId,
    token,
    async call(way, method, path, body) {
      if (way === 'alone') {
        return target.call(method, path, { token, body });
      }
      const operations = [{ method, path, body }];
      const answer = await target.call('POST', '/api/v1/batch', { token, body: { operations } });
      return { ...answer, body: answer.body?.results?.[0]?.body ?? answer.body };
    },
  };
}

/** The client as root sees it. */
export async function readClient(target: Target, id: string) {
  return (await target.asRoot('GET', `/api/v1/oauth/client/${id}`)).body;
}
