/** The management API of client policies. docs/client-policies.md. */
import { type ApiPlugin, nullable, printableText } from '@postern/http-api';
import { fromWireNames, toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { clientAuthMethods, longestTokenTtlSeconds, noClientAuth } from '../clients/client-metadata-schema.ts';
import { savedThings } from '../http/saved-things.ts';
import { acceptedAlgorithms } from '../jwt/third-party-algorithms.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import { type ClientPolicy, senderConstraints } from './client-policy.ts';
import type { ClientPolicyRegistry } from './client-policy-registry.ts';

const limit = (maximum: number, description: string) =>
  Type.Optional(nullable(Type.Integer({ minimum: 1, maximum, description })));

export const ClientPolicyBody = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' }),
    description: Type.Optional(nullable(printableText(1_000))),
    scope: Type.Optional(
      nullable(
        Type.String({ maxLength: 100, description: 'The policy is for clients that hold it. Default: all clients.' }),
      ),
    ),
    max_access_token_ttl_seconds: limit(longestTokenTtlSeconds, 'The longest lifetime of access tokens.'),
    min_rsa_bits: limit(16_384, 'The smallest RSA keys of clients.'),
    min_ec_bits: limit(521, 'The smallest curves of EC keys of clients.'),
    signing_algs: Type.Optional(
      nullable(
        Type.Array(Type.Enum([...acceptedAlgorithms]), {
          minItems: 1,
          maxItems: 20,
          description: 'The only algorithms of JWTs that clients send, and of their tokens.',
        }),
      ),
    ),
    token_endpoint_auth_methods: Type.Optional(
      nullable(
        Type.Array(Type.Enum([...clientAuthMethods, noClientAuth]), {
          minItems: 1,
          maxItems: 10,
          description: 'The only methods of client authentication.',
        }),
      ),
    ),
    sender_constraint: Type.Optional(
      nullable(Type.Enum([...senderConstraints], { description: 'What every token must be bound to.' })),
    ),
    max_secret_ttl_seconds: limit(315_360_000, 'The longest life of secrets. New ones end then by default.'),
  },
  { title: 'ClientPolicy', additionalProperties: false },
);

export interface ClientPoliciesEndpointOptions {
  readonly policies: ClientPolicyRegistry;
  readonly scopes: ScopeRegistry;
}

export function clientPoliciesEndpoint({ policies, scopes }: ClientPoliciesEndpointOptions): ApiPlugin {
  return savedThings({
    kind: 'client_policy',
    names: ['client_policy', 'client_policies'],
    path: '/api/v1/oauth/client-policy',
    idParameter: 'name',
    idMember: 'name',
    body: ClientPolicyBody,
    view: ClientPolicyBody,
    summaries: {
      list: 'List the client policies, by name',
      save: 'Create a client policy, or change the one with that name',
      get: 'Read a client policy',
      delete: 'Delete a client policy',
    },
    description:
      'It holds at once for every call that creates or changes a client, and for all tokens that are issued from then ' +
      'on, also to clients from before. Tokens that were issued earlier stay as they are.',
    conflicts: ['save'],
    things: policies,
    async save(token, body) {
      const policy: ClientPolicy = { ...nothing, ...(fromWireNames(body) as unknown as ClientPolicy) };
      requireKnown(policy.scope === null ? [] : [policy.scope], scopes);
      await policies.save(token, policy);
      return policy;
    },
    toView: (policy) => toWireNames(policy) as unknown as Static<typeof ClientPolicyBody>,
    placeOf: ({ name }) => [name],
  });
}

const nothing: Omit<ClientPolicy, 'name'> = {
  description: null,
  scope: null,
  maxAccessTokenTtlSeconds: null,
  minRsaBits: null,
  minEcBits: null,
  signingAlgs: null,
  tokenEndpointAuthMethods: null,
  senderConstraint: null,
  maxSecretTtlSeconds: null,
};
