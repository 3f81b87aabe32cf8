/** The token endpoint. RFC 6749 §3.2. All checks that grants share are here, in steps; a grant only decides. */
import { isIP } from 'node:net';
import { type AuthorizationDetail, maxTokenLength } from '@postern/guard';
import { oauthErrorResponses } from '@postern/http-api';
import {
  accessTokenType,
  clientCredentialsGrant,
  idJagTokenType,
  idTokenType,
  jwtBearerAssertion,
  jwtBearerGrant,
  jwtTokenType,
  OAuthError,
  parseForm,
} from '@postern/protocol';
import { Type } from 'typebox';
import type { Authorization } from '../access-token/authorization.ts';
import { issueAccessToken } from '../access-token/issue.ts';
import { issueIdJag } from '../access-token/issue-id-jag.ts';
import { parseAuthorizationDetails } from '../authorization-details/authorization-details.ts';
import type { AuthorizationDetailsTypeRegistry } from '../authorization-details/authorization-details-type-registry.ts';
import {
  type AuthenticateClient,
  type ClientAuthenticationRequest,
  type DeferUse,
  findNamedClientId,
  hasCredentials,
  hasSecret,
} from '../client-auth/authenticate.ts';
import { isAllowedFrom } from '../clients/allowed-networks.ts';
import { type Client, mayUseDetailsType } from '../clients/client.ts';
import { noClientAuth } from '../clients/client-metadata-schema.ts';
import { allowsAlgorithm, requirementsOf } from '../clients/security-profile.ts';
import { findStatusFault } from '../clients/token-status.ts';
import type { DescendantCounts } from '../descendants/descendants.ts';
import type { Failures } from '../failures/failures.ts';
import { toOAuthError } from '../http/answer-error.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { FailureBudgets } from '../limits/failure-budgets.ts';
import type { TokenQuota } from '../limits/token-quota.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { mostScopesListed, type ScopeRegistry } from '../scopes/scope-registry.ts';
import type { Usage } from '../usage/usage.ts';
import { type Grant, type IdentifyingGrant, type IdentifyingParameter, rejectIdentity } from './grants/grant.ts';
import { parseTokenRequest } from './parse-token-request.ts';
import { bindToSender, type SenderConstraintOptions } from './sender-constraint.ts';
import { findTarget, type Target, type TargetOptions } from './target.ts';

const TokenForm = Type.Object(
  {
    grant_type: Type.String({ description: "One of the client's `grant_types`.", examples: [clientCredentialsGrant] }),
    assertion: Type.Optional(
      Type.String({
        description: `With grant_type ${jwtBearerGrant}: the token of the workload, an ID-JAG, or a JWT that the client signed.`,
      }),
    ),
    client_id: Type.Optional(Type.String({ description: 'Unless HTTP Basic is used.' })),
    client_secret: Type.Optional(Type.String({ description: 'Unless HTTP Basic is used.' })),
    client_assertion_type: Type.Optional(Type.String({ description: `With client_assertion: ${jwtBearerAssertion}` })),
    client_assertion: Type.Optional(Type.String({ description: 'For private_key_jwt.' })),
    scope: Type.Optional(
      Type.String({ description: 'Names with one space between them. Without it: all scopes of the client.' }),
    ),
    resource: Type.Optional(
      Type.String({
        description:
          'Identifier of the resource that the token is for; the issuer for the APIs of Postern. With neither it nor ' +
          "audience: the client's default_resource, or else the APIs of Postern.",
      }),
    ),
    audience: Type.Optional(
      Type.String({
        description: 'The same as resource, by the identifier or the key of the resource; both must name the same one.',
      }),
    ),
    authorization_details: Type.Optional(
      Type.String({ description: 'JSON array of objects, each with a registered `type` that the client may ask for.' }),
    ),
    subject_token: Type.Optional(
      Type.String({ description: 'Token exchange: the access token to exchange, or the token of a workload.' }),
    ),
    subject_token_type: Type.Optional(
      Type.String({
        description:
          `With subject_token: \`${accessTokenType}\`; for the token of a workload \`${jwtTokenType}\` or ` +
          `\`${idTokenType}\`.`,
      }),
    ),
    actor_token: Type.Optional(
      Type.String({
        description: 'Token exchange: an access token of the client itself, which acts with or without it.',
      }),
    ),
    actor_token_type: Type.Optional(Type.String({ description: 'With actor_token, as subject_token_type.' })),
    requested_token_type: Type.Optional(
      Type.String({
        description:
          `Token exchange: \`${accessTokenType}\`, or \`${idJagTokenType}\` to act at another authorization server, which ` +
          'audience names; resource then names what that protects.',
      }),
    ),
  },
  { title: 'TokenRequest' },
);

/** A grant may add members. */
const TokenAnswer = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.String({
      description: '`Bearer`, or `DPoP` if the token is bound to the key of a proof. `N_A` for an ID-JAG.',
    }),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    scope: Type.String(),
    authorization_details: Type.Optional(
      Type.Array(Type.Unsafe<AuthorizationDetail>({ type: 'object', additionalProperties: true })),
    ),
  },
  { title: 'TokenResponse', additionalProperties: true },
);

export interface TokenEndpointOptions {
  readonly issuer: string;
  readonly grants: readonly Grant[];
  /** Origins whose web pages may get tokens. Undefined: those of no other server. */
  readonly corsOrigins: readonly string[] | undefined;
  readonly authenticateClient: AuthenticateClient;
  readonly failures: FailureBudgets;
  readonly tokenQuota: TokenQuota;
  readonly metrics: Pick<Metrics, 'recordIssued'>;
  readonly keys: KeyRing;
  readonly senderConstraint: SenderConstraintOptions;
  readonly targets: TargetOptions;
  readonly detailsTypes: AuthorizationDetailsTypeRegistry;
  readonly usage: Usage;
  readonly descendants: Pick<DescendantCounts, 'recordIssued'>;
  readonly recordFailure: Failures['record'];
  /** Returns a client that was looked for a moment ago. */
  readonly findClientInMemory: (id: string) => Client | undefined;
  readonly scopes: Pick<ScopeRegistry, 'names'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function tokenEndpoint(options: TokenEndpointOptions): ProtocolPlugin {
  const {
    issuer,
    corsOrigins,
    authenticateClient,
    failures,
    tokenQuota,
    metrics,
    keys,
    senderConstraint,
    targets,
    usage,
    descendants,
    recordFailure,
    findClientInMemory,
    now,
  } = options;

  return async (app) => {
    app.post<{ Body: string }>(
      '/api/v1/oauth/token',
      {
        ...(corsOrigins !== undefined && { config: { readableBy: corsOrigins } }),
        onError: async (request, _reply, error) => {
          const { reason = undefined, code } = toOAuthError(error, true);
          usage.recordRefused(reason ?? code);
          recordFailure({
            clientId: findNamedClient(request),
            // A trusted proxy may forward a header of its caller in which the address is anything.
            address: isIP(request.ip) === 0 ? null : request.ip,
            reason: reason ?? code,
          });
        },
        schema: {
          tags: ['OAuth'],
          operationId: 'acquire_access_token',
          summary: 'Get an access token',
          description:
            'The client authenticates with `client_id` and `client_secret` in the form, with HTTP Basic, with a ' +
            '`client_assertion`, or with `client_id` and a TLS client certificate: exactly one of them, and never in ' +
            'the URL. A workload sends the token of its platform as `assertion` or `subject_token` instead.',
          consumes: ['application/x-www-form-urlencoded'],
          body: TokenForm,
          response: { 200: TokenAnswer, ...oauthErrorResponses(400, 401, 413, 429) },
        },
      },
      async (request) => {
        const nowSeconds = now() / 1000;
        const uses: (() => Promise<void>)[] = [];
        const deferUse: DeferUse = (use) => void uses.push(use);

        // 1. Parse: from here on nobody reads the raw request.
        const tokenRequest = parseTokenRequest(request.url, request.body, options.grants);
        const { grant, form } = tokenRequest;

        // 2. Find out who the client is, and whether it may use the grant.
        const identified =
          grant.identifyClient === undefined ? undefined : await identify(grant, request, form, nowSeconds, deferUse);
        const client = identified?.client ?? (await authenticateClient(request, form, deferUse));
        request.logged = { client_id: client.id };
        requireMayUse(client, grant);
        return tokenQuota.spend(client, async () => {
          const parameters =
            identified === undefined ? await grant.parse(form, nowSeconds, request.ip) : identified.parameters;

          // 3. Bind the token to its sender, if it proves a key or must.
          const confirmation = await bindToSender(
            client,
            { dpopHeader: request.headers['dpop'], certificate: request.clientCertificate },
            nowSeconds,
            senderConstraint,
            deferUse,
          );

          // 4. Find what the token is for, and the key that signs it.
          const { audience } = tokenRequest;
          const resource = grant.issuesIdJags ? undefined : tokenRequest.resource;
          const otherwise = grant.findResource?.(parameters) ?? client.metadata.defaultResource;
          const target = findTarget({ resource, audience, otherwise }, client, targets);
          const key = findSigningKey(client, target);

          // 5. Let the grant decide.
          requireRegisteredScopes(tokenRequest.scopes, options.scopes);
          const detailsText = grant.findAuthorizationDetails?.(parameters) ?? tokenRequest.authorizationDetails;
          const authorizationDetails = parseDetails(client, detailsText);
          const authorization = await grant.authorize(parameters, {
            client,
            scopes: tokenRequest.scopes,
            target,
            authorizationDetails,
            confirmation,
            deferUse,
            nowSeconds,
          });
          requireDetailsGranted(grant, authorizationDetails, authorization);

          // 6. Use up what can be used once, now that nothing else is wrong: a refused request writes nothing.
          for (const use of uses) {
            await use();
          }

          // 7. Issue.
          const scope = authorization.scopes.join(' ');
          const issue = grant.issuesIdJags ? issueIdJag : issueAccessToken;
          const { token, jti, ttlSeconds } = await issue(issuer, {
            authorization,
            scope,
            typ: target.typ,
            confirmation,
            key,
            nowSeconds,
          });
          requireShort(token);
          recordIssued(grant, authorization, scope, hasSecret(request, form));
          descendants.recordIssued(authorization, nowSeconds + authorization.ttlSeconds);
          request.logged = { ...request.logged, sub: authorization.subject, jti, ...authorization.logged };

          // 8. Respond.
          return {
            access_token: token,
            token_type: confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
            expires_in: ttlSeconds,
            scope,
            authorization_details: authorization.authorizationDetails,
            ...authorization.answer,
          };
        });
      },
    );
  };

  /** The id of the client that a request names, if such a client exists: nothing else that a caller wrote is recorded. */
  function findNamedClient(request: ClientAuthenticationRequest & { readonly body: unknown }): string | null {
    const id = findNamedClientId(request, readForm(request.body), now() / 1000);
    return (id !== undefined && findClientInMemory(id)?.id) || null;
  }

  /** The client that the grant identifies, and the grant's parameters. */
  async function identify<Parameters>(
    grant: IdentifyingGrant<Parameters>,
    request: ClientAuthenticationRequest,
    form: ReadonlyMap<string, string>,
    nowSeconds: number,
    deferUse: DeferUse,
  ): Promise<{ client: Client; parameters: Parameters }> {
    const identified = await failures.attempt(
      { clientId: undefined, address: request.ip, isCheap: false, failureCode: grant.parameter.errorCode },
      async () => {
        const parameters = await grant.parse(form, nowSeconds, request.ip);
        const client = await grant.identifyClient(parameters);
        const fault = isAllowedFrom(client, request.ip)
          ? findStatusFault(client, nowSeconds * 1000)
          : 'address_not_allowed';
        if (fault !== undefined) {
          throw rejectIdentity(grant.parameter, fault);
        }
        return { client, parameters };
      },
    );
    const { client, parameters } = identified;
    // A profile names the methods of authentication, so for its clients a grant cannot stand in for one.
    if (
      grant.requiresAuthentication?.(parameters) === true ||
      hasCredentials(request, form) ||
      requirementsOf(client)?.authMethods.includes(noClientAuth) === false
    ) {
      requireSameClient(await authenticateClient(request, form, deferUse), client, grant.parameter);
    }
    return identified;
  }

  function findSigningKey(client: Client, target: Target): SigningKey {
    const key = keys.signingKey(target.signingAlg);
    if (!allowsAlgorithm(requirementsOf(client), key.alg)) {
      throw new OAuthError(
        'invalid_target',
        `Tokens for the resource are signed by ${key.alg}, which the security_profile of the client excludes.`,
      );
    }
    return key;
  }

  function parseDetails(client: Client, text: string | undefined) {
    return text === undefined
      ? undefined
      : parseAuthorizationDetails(text, options.detailsTypes, (type) => mayUseDetailsType(client, type));
  }

  function recordIssued(grant: Grant, authorization: Authorization, scope: string, bySecret: boolean): void {
    usage.recordIssued(authorization.client, scope, bySecret);
    metrics.recordIssued(grant.grantType);
  }
}

/** A form that was rejected; empty if it is none. */
function readForm(body: unknown): ReadonlyMap<string, string> {
  try {
    return parseForm(typeof body === 'string' ? body : '');
  } catch {
    return new Map();
  }
}

/** Throws `invalid_scope`. The errors of grants name scopes, so they must be names and not what a caller mistook for one. */
function requireRegisteredScopes(asked: readonly string[] | undefined, { names }: Pick<ScopeRegistry, 'names'>): void {
  const index = asked?.findIndex((name) => !names.has(name)) ?? -1;
  if (index !== -1) {
    throw new OAuthError(
      'invalid_scope',
      `The scope parameter has a name that is not registered here, its number ${index + 1}; ` +
        `scopes_supported in the metadata lists the first ${mostScopesListed} that are.`,
    );
  }
}

/** RFC 7591 §2: a client that registered no grant types uses client_credentials. */
function requireMayUse(client: Client, { grantType }: Grant): void {
  if (!(client.metadata.grantTypes?.includes(grantType) ?? grantType === clientCredentialsGrant)) {
    throw new OAuthError('unauthorized_client', `The client is not registered for the grant_type ${grantType}.`);
  }
}

function requireSameClient(authenticated: Client, identified: Client, { errorCode }: IdentifyingParameter): void {
  if (authenticated.id !== identified.id) {
    throw new OAuthError(errorCode, 'The grant is for another client than the one that authenticates.');
  }
}

/** Nothing that is asked for is silently dropped. */
function requireDetailsGranted(
  { grantType }: Grant,
  asked: readonly AuthorizationDetail[] | undefined,
  { authorizationDetails }: Authorization,
): void {
  if (asked !== undefined && authorizationDetails !== asked) {
    throw new OAuthError(
      'invalid_authorization_details',
      `The grant_type ${grantType} does not accept authorization_details.`,
    );
  }
}

function requireShort(token: string): void {
  if (token.length > maxTokenLength) {
    throw new OAuthError(
      'invalid_request',
      'The token would be longer than guards accept: request fewer scopes or authorization details, or give the client fewer fixed_claims.',
    );
  }
}
