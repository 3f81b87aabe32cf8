/** The management API of trusted issuers. */
import { type ApiPlugin, keyText, nullable } from '@postern/http-api';
import { toWireNames } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { JwkSet } from '../clients/jwk-set.ts';
import { savedThings } from '../http/saved-things.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import { defaultMaxAgeSeconds, longestMaxAgeSeconds, type TrustedIssuer } from './trusted-issuer.ts';
import type { TrustedIssuerRegistry } from './trusted-issuer-registry.ts';

const Identifier = Type.String({ minLength: 1, maxLength: 1_000, pattern: '^[\\x21-\\x7e]+$' });
const Pattern = Type.String({ minLength: 1, maxLength: 500 });

const RuleBody = Type.Object(
  {
    client_id: Type.String({ maxLength: 128 }),
    claims: Type.Record(
      Type.String({ minLength: 1, maxLength: 200 }),
      Type.Union([Pattern, Type.Array(Pattern, { minItems: 1, maxItems: 100 })]),
      {
        minProperties: 1,
        maxProperties: 20,
        description:
          'For each claim (by name, or by JSON Pointer if it is inside another) a pattern that it must match, or a ' +
          'list of which it must match one. A * matches one or more characters, never : or /.',
      },
    ),
    people: Type.Optional(
      Type.Boolean({
        description:
          'Whether the rule is for people who act through the client: for the ID-JAGs of the issuer that name it, which it ' +
          'sends with its own credentials. Without it: for workloads, which need none.',
      }),
    ),
    scopes: Type.Optional(
      nullable(
        Type.Array(Type.String({ maxLength: 100 }), {
          minItems: 1,
          maxItems: 1_000,
          description: 'The scopes of the client that the workload or person gets. null: all.',
        }),
      ),
    ),
  },
  { title: 'IssuerRule', additionalProperties: false },
);

export const IssuerBody = Type.Object(
  {
    key: keyText(100),
    issuer: {
      ...Identifier,
      description: 'The iss of its tokens; spiffe:// and the trust domain for JWT-SVIDs that have no iss.',
    },
    jwks: Type.Optional(nullable({ ...JwkSet, description: 'Its public keys, by value.' })),
    jwks_uri: Type.Optional(
      nullable({
        ...Identifier,
        description: 'https URL of its public keys. Without it and jwks, they are found by OpenID Connect discovery.',
      }),
    ),
    audience: Type.Optional(
      nullable({ ...Identifier, description: 'The one aud that its tokens must have. null: the issuer of Postern.' }),
    ),
    max_age_seconds: Type.Integer({
      minimum: 1,
      maximum: longestMaxAgeSeconds,
      default: defaultMaxAgeSeconds,
      description: 'A token is rejected this long after it was issued, even if it has not expired.',
    }),
    single_use: Type.Boolean({
      default: true,
      description: 'Each token can be exchanged for at most one access token.',
    }),
    rules: Type.Array(RuleBody, { maxItems: 200, description: 'Which workload or person is mapped to which client.' }),
  },
  { title: 'TrustedIssuerBody', additionalProperties: false },
);

/** An answer has the members with a default, too, which a body may leave out. */
const IssuerView = { ...IssuerBody, title: 'TrustedIssuer' };

export interface IssuersEndpointOptions {
  readonly issuers: TrustedIssuerRegistry;
  readonly scopes: ScopeRegistry;
}

export function issuersEndpoint({ issuers, scopes }: IssuersEndpointOptions): ApiPlugin {
  return savedThings({
    kind: 'issuer',
    names: ['trusted_issuer', 'trusted_issuers'],
    path: '/api/v1/oauth/issuer',
    idParameter: 'issuer_key',
    idMember: 'key',
    body: IssuerBody,
    view: IssuerView,
    summaries: {
      list: 'List the trusted issuers of tokens of workloads and people, by key',
      save: 'Create a trusted issuer, or change the one with that key',
      get: 'Read a trusted issuer',
      delete: 'Trust an issuer no longer; the clients of its rules lose their tokens',
    },
    description:
      'Requires the right to give all that the clients of its rules can do. Revokes the tokens of the clients of ' +
      'rules that it deletes or changes.',
    conflicts: ['save'],
    things: issuers,
    async save(token, body) {
      const trusted = fromBody(body, scopes);
      await issuers.save(token, trusted);
      return trusted;
    },
    toView: (trusted) =>
      toWireNames({ ...trusted, rules: trusted.rules.map(toWireNames) }) as unknown as Static<typeof IssuerBody>,
    placeOf: ({ key }) => [key],
  });
}

function fromBody(body: Static<typeof IssuerBody>, scopes: ScopeRegistry): TrustedIssuer {
  return {
    key: body.key,
    issuer: body.issuer,
    jwks: body.jwks ?? null,
    jwksUri: body.jwks_uri ?? null,
    audience: body.audience ?? null,
    maxAgeSeconds: body.max_age_seconds,
    singleUse: body.single_use,
    rules: body.rules.map((rule) => ({
      clientId: rule.client_id,
      claims: rule.claims,
      people: rule.people === true,
      scopes: rule.scopes === undefined || rule.scopes === null ? null : requireKnown(rule.scopes, scopes),
    })),
  };
}
