/** The token endpoint. RFC 6749 §3.2. What all grants share stands here, in steps; a grant only decides. */
import { type AuthorizationDetail, longestToken } from '@postern/guard';
import { OAuthError, parseForm, parseScope } from '@postern/protocol';
import { Type } from 'typebox';
import { createAccessTokenIssuer } from '../access-token/issue.ts';
import { parseAuthorizationDetails } from '../authorization-details/authorization-details.ts';
import type { AuthorizationDetailsTypeRegistry } from '../authorization-details/authorization-details-type-registry.ts';
import { type AuthenticateClient, hasCredentials } from '../client-auth/authenticate.ts';
import { assertionType } from '../client-auth/private-key-jwt.ts';
import { type Client, mayUseDetailsType } from '../clients/client.ts';
import { type GrantType, jwtBearer } from '../clients/client-metadata.ts';
import { allowsAlgorithm, securityProfileOf } from '../clients/security-profile.ts';
import { toOAuthError } from '../http/answer-error.ts';
import type { ProtocolPlugin } from '../http/api.ts';
import { oauthErrorResponses } from '../http/schemas.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { FailureBudgets } from '../limits/failure-budgets.ts';
import type { TokenQuota } from '../limits/token-quota.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Usage } from '../usage/usage.ts';
import type { Grant } from './grants/grant.ts';
import { accessTokenType } from './grants/token-exchange.ts';
import { bindToSender, type SenderConstraintOptions } from './sender-constraint.ts';
import { findTarget, type TargetOptions } from './target.ts';

const TokenForm = Type.Object({
  grant_type: Type.String({ description: "One of the client's `grant_types`.", examples: ['client_credentials'] }),
  assertion: Type.Optional(Type.String({ description: `With grant_type ${jwtBearer}: the token of the workload.` })),
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
  authorization_details: Type.Optional(
    Type.String({ description: 'JSON array of objects, each with a registered `type` that the client may ask for.' }),
  ),
  subject_token: Type.Optional(Type.String({ description: 'Token exchange: the access token to exchange.' })),
  subject_token_type: Type.Optional(Type.String({ description: `With subject_token: \`${accessTokenType}\`` })),
  actor_token: Type.Optional(
    Type.String({ description: 'Token exchange: an access token of who acts. Without it: the client.' }),
  ),
  actor_token_type: Type.Optional(Type.String({ description: 'With actor_token, as subject_token_type.' })),
  requested_token_type: Type.Optional(Type.String({ description: `Token exchange: \`${accessTokenType}\`` })),
  audience: Type.Optional(Type.String({ description: 'Token exchange: key or identifier of a resource.' })),
});

/** Further members are the grant's. */
const TokenAnswer = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.String({ description: '`Bearer`, or `DPoP` where the token is bound to the key of a proof.' }),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    scope: Type.String(),
    authorization_details: Type.Optional(
      Type.Array(Type.Unsafe<AuthorizationDetail>({ type: 'object', additionalProperties: true })),
    ),
  },
  { additionalProperties: true },
);

/** RFC 7591 §2: a client that registered no grant types uses client_credentials. */
function mayUse(client: Client, grantType: GrantType): boolean {
  return client.metadata.grant_types?.includes(grantType) ?? grantType === 'client_credentials';
}

function requireSameClient(authenticated: Client, identified: Client): void {
  if (authenticated.id !== identified.id) {
    throw new OAuthError('invalid_grant', 'The grant is for another client than the one that authenticates.');
  }
}

export interface TokenEndpointOptions {
  readonly issuer: string;
  readonly grants: readonly Grant[];
  readonly authenticateClient: AuthenticateClient;
  readonly failures: FailureBudgets;
  readonly tokenQuota: TokenQuota;
  readonly metrics: Pick<Metrics, 'recordIssued'>;
  readonly keys: KeyRing;
  readonly senderConstraint: SenderConstraintOptions;
  readonly targets: TargetOptions;
  readonly detailsTypes: AuthorizationDetailsTypeRegistry;
  readonly usage: Usage;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function tokenEndpoint(options: TokenEndpointOptions): ProtocolPlugin {
  const {
    authenticateClient,
    failures,
    tokenQuota,
    metrics,
    keys,
    senderConstraint,
    targets,
    detailsTypes,
    usage,
    now,
  } = options;
  const issue = createAccessTokenIssuer(options.issuer);
  const grants = new Map<string, Grant>(options.grants.map((grant) => [grant.grantType, grant]));

  return async (app) => {
    app.post<{ Body: string }>(
      '/api/v1/oauth/token',
      {
        onError: async (_request, _reply, error) => {
          const { reason, code } = toOAuthError(error, true);
          usage.recordRefused(reason ?? code);
        },
        schema: {
          tags: ['OAuth'],
          operationId: 'acquire_access_token',
          summary: 'Get an access token',
          description:
            'The client authenticates with `client_id` and `client_secret` in the form, with HTTP Basic, with a ' +
            '`client_assertion`, or with `client_id` and a TLS client certificate: exactly one of them, and never in ' +
            'the URL. A workload sends the token of its platform as `assertion` instead.',
          consumes: ['application/x-www-form-urlencoded'],
          body: TokenForm,
          response: { 200: TokenAnswer, ...oauthErrorResponses(400, 401, 413, 429) },
        },
      },
      async (request, reply) => {
        // 1. Parse: from here on nobody reads the raw request.
        if (request.url.includes('?')) {
          throw new OAuthError('invalid_request', 'Parameters belong in the form body, never in the URL.');
        }
        const form = parseForm(request.body);
        const grantType = form.get('grant_type');
        if (grantType === undefined) {
          throw new OAuthError('invalid_request', 'The parameter grant_type is missing.');
        }
        const wanted = form.get('scope');
        const scopes = wanted === undefined ? undefined : parseScope(wanted);

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
        const { identifyClient } = grant;
        const client = await (identifyClient === undefined
          ? authenticateClient(request, form)
          : failures.attempt(undefined, request.ip, () => identifyClient(form, nowSeconds)));
        const profile = securityProfileOf(client.metadata);
        // A profile names the methods of authentication, so for its clients a grant cannot stand in for one.
        if (identifyClient !== undefined && (hasCredentials(request, form) || profile !== undefined)) {
          requireSameClient(await authenticateClient(request, form), client);
        }
        if (!mayUse(client, grant.grantType)) {
          throw new OAuthError('unauthorized_client', `The client is not registered for the grant_type ${grantType}.`);
        }
        tokenQuota.requireLeft(client);

        // 4. Bind the token to its sender, where it proves a key or must.
        const confirmation = await bindToSender(
          client,
          { dpopHeader: request.headers['dpop'], certificate: request.clientCertificate },
          nowSeconds,
          senderConstraint,
        );

        // 5. Find what the token is for, and the key that signs it.
        const resource = grant.findResource?.(form, nowSeconds) ?? form.get('resource');
        const target = findTarget(resource, client, targets);
        const signingKey = keys.signingKey(target.signingAlg);
        if (!allowsAlgorithm(profile, signingKey.alg)) {
          throw new OAuthError(
            'invalid_target',
            `Tokens for the resource are signed by ${signingKey.alg}, which the security_profile of the client excludes.`,
          );
        }
        const details = form.get('authorization_details');
        const authorizationDetails =
          details === undefined
            ? undefined
            : parseAuthorizationDetails(details, detailsTypes, (type) => mayUseDetailsType(client, type));

        // 6. Let the grant decide. What is asked for is never dropped without a word.
        const authorization = await grant.authorize({
          client,
          scopes,
          target,
          authorizationDetails,
          confirmation,
          parameters: form,
          nowSeconds,
        });
        if (authorizationDetails !== undefined && authorization.authorizationDetails !== authorizationDetails) {
          throw new OAuthError('invalid_authorization_details', `The grant_type ${grantType} takes none.`);
        }

        // 7. Issue.
        const scope = authorization.scopes.join(' ');
        const { token, jti } = issue({ authorization, scope, confirmation, key: signingKey, nowSeconds });
        if (token.length > longestToken) {
          throw new OAuthError('invalid_request', 'The token would be too long for its guards: ask for less at once.');
        }
        tokenQuota.recordIssued(client);
        usage.recordIssued(authorization.client, scope);
        metrics.recordIssued(grant.grantType);
        request.logged = { client_id: client.id, sub: authorization.subject, jti, ...authorization.logged };

        // 8. Respond. As text, for which nothing goes through the schema once more.
        reply.type('application/json; charset=utf-8');
        return JSON.stringify({
          access_token: token,
          token_type: confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
          expires_in: authorization.ttlSeconds,
          scope,
          authorization_details: authorization.authorizationDetails,
          ...authorization.answer,
        });
      },
    );
  };
}
