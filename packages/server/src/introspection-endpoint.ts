/** Token introspection, in JSON and as a signed JWT. RFC 7662, RFC 9701. */
import { type AccessToken, toCnf, type VerifyIssuedTokenOptions, verifyIssuedToken } from '@postern/guard';
import { oauthErrorResponses } from '@postern/http-api';
import { OAuthError, parseForm } from '@postern/protocol';
import { Type } from 'typebox';
import { signJwt } from './access-token/sign-jwt.ts';
import type { AuthenticateClient } from './client-auth/authenticate.ts';
import type { Client } from './clients/client.ts';
import { fixedClaimsOf } from './clients/fixed-claims.ts';
import type { ProtocolPlugin } from './http/protocol-plugin.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { mayIntrospect, type ResourceRegistry } from './resources/resource-registry.ts';
import { createTurn } from './turn.ts';

const IntrospectionForm = Type.Object(
  {
    token: Type.String(),
    token_type_hint: Type.Optional(
      Type.String({ description: 'Ignored: all tokens of this server are access tokens.' }),
    ),
  },
  { title: 'IntrospectionRequest' },
);

const takeTurn = createTurn();

const jwtMediaType = 'application/token-introspection+jwt';

export interface IntrospectionEndpointOptions {
  readonly issuer: string;
  readonly authenticateClient: AuthenticateClient;
  readonly verification: VerifyIssuedTokenOptions;
  /** Throws `invalid_token` if the token is no longer active. */
  readonly requireActive: (token: AccessToken) => Promise<void>;
  readonly resources: ResourceRegistry;
  readonly keys: KeyRing;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function introspectionEndpoint(options: IntrospectionEndpointOptions): ProtocolPlugin {
  const { issuer, authenticateClient, verification, requireActive, resources, keys, now } = options;

  /** RFC 7662 §2.2: the answer is the same for every fault of a token. */
  const introspect = async (text: string, caller: Client): Promise<Record<string, unknown>> => {
    try {
      const token = await verifyIssuedToken(text, now() / 1000, verification);
      await requireActive(token);
      return caller.isRoot || mayIntrospect(caller.id, token, resources) ? describeToken(token) : { active: false };
    } catch (error) {
      if (error instanceof OAuthError && error.code === 'invalid_token') {
        return { active: false };
      }
      throw error;
    }
  };

  return async (app) => {
    app.post<{ Body: string }>(
      '/api/v1/oauth/introspect',
      {
        schema: {
          tags: ['OAuth'],
          operationId: 'introspect_token',
          summary: 'Introspect an access token',
          description:
            'A client sees its own tokens and those for resources that name it in `introspection_clients`; root sees ' +
            `all. Everything else is \`{"active": false}\`. With \`Accept: ${jwtMediaType}\` the answer is a signed JWT.`,
          consumes: ['application/x-www-form-urlencoded'],
          body: IntrospectionForm,
          response: {
            200: Type.Object(
              { active: Type.Boolean() },
              { title: 'IntrospectionResponse', additionalProperties: true },
            ),
            ...oauthErrorResponses(400, 401, 413, 429),
          },
        },
      },
      async (request, reply) => {
        const form = parseForm(request.body);
        const caller = await authenticateClient(request, form);
        request.logged = { client_id: caller.id };
        const text = form.get('token');
        if (text === undefined) {
          throw new OAuthError('invalid_request', 'The parameter token is missing.');
        }
        const answer = await introspect(text, caller);
        if (!request.headers.accept?.includes(jwtMediaType)) {
          // Also what is not signed is answered together: it is the writing that costs less.
          return takeTurn(() => answer);
        }
        const payload = { iss: issuer, aud: caller.id, iat: Math.floor(now() / 1000), token_introspection: answer };
        // The schema describes the JSON answer; a JWT is sent as it is.
        return reply
          .type(jwtMediaType)
          .serializer((jwt: string) => jwt)
          .send(await signJwt('token-introspection+jwt', JSON.stringify(payload), keys.signingKey()));
      },
    );
  };
}

function describeToken(token: AccessToken): Record<string, unknown> {
  return {
    ...fixedClaimsOf(token.claims),
    active: true,
    iss: token.issuer,
    sub: token.subject,
    aud: token.audience.length === 1 ? token.audience[0] : token.audience,
    client_id: token.clientId,
    scope: [...token.scopes].join(' '),
    token_type: token.confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
    iat: token.issuedAt,
    exp: token.expiresAt,
    jti: token.jti,
    // RFC 8693 §4.1 and §4.4, RFC 9396 §9.2.
    ...pick(token.claims, ['act', 'may_act', 'authorization_details']),
    ...(token.confirmation !== undefined && { cnf: toCnf(token.confirmation) }),
  };
}

function pick(claims: AccessToken['claims'], names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (claims[name] === undefined ? [] : [[name, claims[name]]])));
}
