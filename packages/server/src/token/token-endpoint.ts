/** The token endpoint. RFC 6749 §3.2. What all grants share stands here, in steps; a grant only decides. */
import { OAuthError, parseForm, parseScope } from '@postern/protocol';
import { Type } from 'typebox';
import { issueAccessToken } from '../access-token/issue.ts';
import type { AuthenticateClient } from '../client-auth/authenticate.ts';
import { assertionType } from '../client-auth/private-key-jwt.ts';
import type { Client } from '../clients/client.ts';
import type { GrantType } from '../clients/client-metadata.ts';
import { allowsAlgorithm, securityProfileOf } from '../clients/security-profile.ts';
import type { ProtocolPlugin } from '../http/api.ts';
import { oauthErrorResponses } from '../http/schemas.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Grant } from './grant.ts';
import { bindToSender, type SenderConstraintOptions } from './sender-constraint.ts';
import { findTarget, type TargetOptions } from './target.ts';

const TokenForm = Type.Object({
  grant_type: Type.String({ description: '`client_credentials`', examples: ['client_credentials'] }),
  client_id: Type.Optional(Type.String({ description: 'Unless HTTP Basic is used.' })),
  client_secret: Type.Optional(Type.String({ description: 'Unless HTTP Basic is used.' })),
  client_assertion_type: Type.Optional(Type.String({ description: `With client_assertion: ${assertionType}` })),
  client_assertion: Type.Optional(Type.String({ description: 'For private_key_jwt.' })),
  scope: Type.Optional(
    Type.String({ description: 'Names with one space between them. Without it: all scopes of the client.' }),
  ),
  resource: Type.Optional(
    Type.String({ description: "Identifier of the resource that the token is for. Without it: Postern's own APIs." }),
  ),
});

/** Further members are the grant's. */
const TokenAnswer = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.String({ description: '`Bearer`, or `DPoP` where the token is bound to the key of a proof.' }),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    scope: Type.String(),
  },
  { additionalProperties: true },
);

/** RFC 7591 §2: a client that registered no grant types uses client_credentials. */
function mayUse(client: Client, grantType: GrantType): boolean {
  return client.metadata.grant_types?.includes(grantType) ?? grantType === 'client_credentials';
}

export interface TokenEndpointOptions {
  readonly issuer: string;
  readonly grants: readonly Grant[];
  readonly authenticateClient: AuthenticateClient;
  readonly keys: KeyRing;
  readonly senderConstraint: SenderConstraintOptions;
  readonly targets: TargetOptions;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function tokenEndpoint(options: TokenEndpointOptions): ProtocolPlugin {
  const { issuer, authenticateClient, keys, senderConstraint, targets, now } = options;
  const grants = new Map<string, Grant>(options.grants.map((grant) => [grant.grantType, grant]));

  return async (app) => {
    app.post<{ Body: string }>(
      '/api/v1/oauth/token',
      {
        schema: {
          tags: ['OAuth'],
          operationId: 'acquire_access_token',
          summary: 'Get an access token',
          description:
            'The client authenticates with `client_id` and `client_secret` in the form, with HTTP Basic, with a ' +
            '`client_assertion`, or with `client_id` and a TLS client certificate: exactly one of them, and never in ' +
            'the URL.',
          consumes: ['application/x-www-form-urlencoded'],
          body: TokenForm,
          response: { 200: TokenAnswer, ...oauthErrorResponses(400, 401, 413) },
        },
      },
      async (request) => {
        // 1. Parse: from here on nobody reads the raw request.
        if (request.url.includes('?')) {
          throw new OAuthError('invalid_request', 'Parameters belong in the form body, never in the URL.');
        }
        const form = parseForm(request.body);
        const grantType = form.get('grant_type');
        if (grantType === undefined) {
          throw new OAuthError('invalid_request', 'The parameter grant_type is missing.');
        }
        const scope = form.get('scope');
        const scopes = scope === undefined ? undefined : parseScope(scope);

        // 2. Find the grant.
        const grant = grants.get(grantType);
        if (grant === undefined) {
          throw new OAuthError(
            'unsupported_grant_type',
            `The grant_type ${grantType.slice(0, 100)} is not offered here; offered: ${[...grants.keys()].join(', ')}.`,
          );
        }

        // 3. Find out who the client is, and whether it may use the grant.
        const nowSeconds = now() / 1000;
        const client = await (grant.identifyClient === undefined
          ? authenticateClient(request.headers.authorization, form, request.clientCertificate)
          : grant.identifyClient(form, nowSeconds));
        if (!mayUse(client, grant.grantType)) {
          throw new OAuthError('unauthorized_client', `The client is not registered for the grant_type ${grantType}.`);
        }

        // 4. Bind the token to its sender, where it proves a key or must.
        const confirmation = await bindToSender(
          client,
          { dpopHeader: request.headers['dpop'], certificate: request.clientCertificate },
          nowSeconds,
          senderConstraint,
        );

        // 5. Find what the token is for, and the key that signs it.
        const target = findTarget(form.get('resource'), client, targets);
        const signingKey = keys.signingKey(target.signingAlg);
        if (!allowsAlgorithm(securityProfileOf(client.metadata), signingKey.alg)) {
          throw new OAuthError(
            'invalid_target',
            `Tokens for the resource are signed by ${signingKey.alg}, which the security_profile of the client excludes.`,
          );
        }

        // 6. Let the grant decide.
        const authorization = await grant.authorize({ client, scopes, target, parameters: form, nowSeconds });

        // 7. Issue.
        const { token, jti } = issueAccessToken({ ...authorization, confirmation }, issuer, signingKey, nowSeconds);
        if (client.isRoot) {
          request.log.warn({ client_id: client.id, jti }, 'access token issued to the root client');
        } else {
          request.log.info({ client_id: client.id, jti }, 'access token issued');
        }

        // 8. Respond.
        return {
          access_token: token,
          token_type: confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
          expires_in: authorization.ttlSeconds,
          scope: authorization.scopes.join(' '),
          ...authorization.answer,
        };
      },
    );
  };
}
