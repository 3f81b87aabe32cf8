/**
 * Which client a JWT says that its caller is: that of a workload, by the rules of the issuer that is trusted (RFC 7523 §3),
 * or the one that signed it with its own registered key (RFC 7521 §3). Every grant that takes such a JWT judges it here.
 */
import { jwtBearerGrant, OAuthError, parseScope } from '@postern/protocol';
import type { Authorization } from '../../access-token/authorization.ts';
import { findMethodFault } from '../../client-auth/authenticate.ts';
import type { ClientKeys } from '../../client-auth/client-keys.ts';
import {
  audienceError,
  type ClientAssertion,
  findAssertionFault as findClientAssertionFault,
  requireClientClaims,
  useAssertion,
} from '../../client-auth/private-key-jwt.ts';
import { isAllowedFrom } from '../../clients/allowed-networks.ts';
import type { Client } from '../../clients/client.ts';
import type { ClientDirectory } from '../../clients/client-directory.ts';
import { findStatusFault } from '../../clients/token-status.ts';
import type { IssuerKeys } from '../../issuers/issuer-keys.ts';
import { chooseRule } from '../../issuers/rule.ts';
import type { TrustedIssuer } from '../../issuers/trusted-issuer.ts';
import type { TrustedIssuerRegistry } from '../../issuers/trusted-issuer-registry.ts';
import { findSignatureFault, type ThirdPartyJwtOptions } from '../../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../../jwt/used-token-store.ts';
import { authorizeByPolicy } from './client-credentials.ts';
import { type GrantRequest, type IdentifyingParameter, rejectIdentity } from './grant.ts';
import {
  findAssertionFault,
  parseWorkloadAssertion,
  rememberUntil,
  type WorkloadAssertion,
} from './workload-assertion.ts';

export interface JwtIdentityOptions {
  /** Postern's own, the audience of assertions unless the record of their issuer names another. */
  readonly issuer: string;
  /** The URL of the token endpoint, the audience of the assertions of clients that are allowed it. */
  readonly tokenEndpoint: string;
  readonly issuers: TrustedIssuerRegistry;
  readonly issuerKeys: IssuerKeys;
  readonly clientKeys: ClientKeys;
  readonly directory: ClientDirectory;
  readonly usedTokens: UsedTokens;
}

/** What a verified JWT says. */
export interface JwtIdentity {
  /**
   * The client, which may have fewer scopes than it holds by itself; the one with this id if the caller names one. Throws
   * what rejects the parameter, and `invalid_scope`. Does not check whether it is enabled.
   */
  findClient(clientId: string | undefined): Promise<Client>;
  /** The scopes that the JWT itself asks for; undefined if it names none. */
  readonly scopes: readonly string[] | undefined;
  /** Whether it was not used before. From then on it was. */
  use(clientId: string): Promise<boolean>;
  /** For the log. */
  readonly logged: Readonly<Record<string, string>>;
}

/** Throws what rejects the parameter unless the JWT is genuine, for this server and valid now. */
export type VerifyIdentity = (text: string, nowSeconds: number, address: string) => Promise<JwtIdentity>;

export interface JwtIdentities {
  /** Of a workload. */
  ofWorkload(parameter: IdentifyingParameter): VerifyIdentity;
  /** Of a workload, or of a client that signed it itself: `iss` and `sub` are its id. */
  ofWorkloadOrClient(parameter: IdentifyingParameter): VerifyIdentity;
}

export function createJwtIdentities(options: JwtIdentityOptions): JwtIdentities {
  const { issuer: ownIssuer, tokenEndpoint, issuers, issuerKeys, clientKeys, directory, usedTokens } = options;

  const audiences = { issuer: ownIssuer, tokenEndpoint };

  const requireTrusted = async ({ issuer }: WorkloadAssertion, parameter: IdentifyingParameter) => {
    const trusted = await issuers.findByIssuer(issuer);
    if (trusted === undefined) {
      throw rejectIdentity(parameter, 'issuer_wrong');
    }
    return trusted;
  };

  const verifyWorkload = async (
    assertion: WorkloadAssertion,
    parameter: IdentifyingParameter,
    nowSeconds: number,
  ): Promise<JwtIdentity> => {
    const trusted = await requireTrusted(assertion, parameter);
    const fault = findAssertionFault(assertion, trusted, ownIssuer, nowSeconds);
    if (fault !== undefined) {
      throw rejectIdentity(parameter, fault);
    }
    const signatureFault = await findSignatureFault(assertion, issuerKeys(trusted));
    if (signatureFault !== undefined) {
      throw rejectIdentity(parameter, signatureFault);
    }
    return {
      findClient: (clientId) => findClientOfRule(assertion, trusted, parameter, clientId),
      scopes: undefined,
      async use(clientId) {
        // Again, since the issuer may have been deleted in the meantime.
        const { singleUse } = await requireTrusted(assertion, parameter);
        const { issuer, id } = assertion;
        const expiresAt = rememberUntil(assertion);
        return !singleUse || usedTokens.use({ kind: 'workload', issuer, jti: id, expiresAt, clientId });
      },
      logged: { workload_issuer: assertion.issuer, workload: assertion.subject },
    };
  };

  const findClientOfRule = async (
    { claims }: WorkloadAssertion,
    { rules }: TrustedIssuer,
    parameter: IdentifyingParameter,
    clientId: string | undefined,
  ): Promise<Client> => {
    const rule = chooseRule(rules, claims, clientId);
    if (typeof rule === 'string') {
      throw rejectIdentity(parameter, rule);
    }
    const client = await directory.find(rule.clientId);
    // Root comes from the configuration and no rule is for it, even if it was given the id of a client later.
    if (client === undefined || client.isRoot) {
      throw rejectIdentity(parameter, 'client_unknown');
    }
    return rule.scopes === null ? client : { ...client, scopes: client.scopes.intersection(new Set(rule.scopes)) };
  };

  /** By the rules of `private_key_jwt`, except that a `jti` may be missing: then all that is signed can be used once. */
  const verifyOwn = async (
    jwt: WorkloadAssertion,
    parameter: IdentifyingParameter,
    nowSeconds: number,
    address: string,
  ): Promise<JwtIdentity> => {
    const assertion = requireClientClaims(jwt, nowSeconds, toErrorOf(parameter));
    const scopes = parseScopeClaim(assertion, parameter);
    const { clientId } = assertion;
    const isInMemory = directory.findInMemory(clientId) !== undefined;
    const client = await directory.find(clientId);
    const fault = client === undefined ? 'client_unknown' : await findOwnFault(client, assertion, address);
    if (client === undefined || fault !== undefined) {
      // An unknown client was looked for in the database, so a failure takes as long for one that is known.
      await (isInMemory && directory.readDatabase(clientId));
      throw client !== undefined && fault === 'audience_wrong' && findStatusFault(client) === undefined
        ? audienceError(client, assertion, audiences, toErrorOf(parameter))
        : rejectIdentity(parameter, fault ?? 'client_unknown');
    }
    return {
      async findClient(named) {
        if (named !== undefined && named !== clientId) {
          throw rejectIdentity(parameter, 'client_unknown');
        }
        const excess = scopes?.findIndex((scope) => !client.scopes.has(scope)) ?? -1;
        if (excess !== -1) {
          throw new OAuthError(
            'invalid_scope',
            `The ${parameter.name} asks for a scope that the client does not hold, number ${excess + 1} in its claim scope.`,
          );
        }
        return scopes === undefined ? client : { ...client, scopes: client.scopes.intersection(new Set(scopes)) };
      },
      scopes,
      use: () => useAssertion(assertion, usedTokens),
      logged: {},
    };
  };

  const findOwnFault = async (client: Client, assertion: ClientAssertion, address: string) => {
    if (!isAllowedFrom(client, address)) {
      return 'address_not_allowed';
    }
    return client.metadata.grantTypes?.includes(jwtBearerGrant) === true
      ? (findMethodFault(client, 'private_key_jwt') ??
          (await findClientAssertionFault(client, assertion, clientKeys, audiences)))
      : 'method_not_registered';
  };

  return {
    ofWorkload: (parameter) => async (text, nowSeconds) =>
      verifyWorkload(parseWorkloadAssertion(text, toErrorOf(parameter)), parameter, nowSeconds),

    ofWorkloadOrClient: (parameter) => async (text, nowSeconds, address) => {
      const assertion = parseWorkloadAssertion(text, toErrorOf(parameter));
      const { issuer, subject } = assertion;
      const isOwn = issuer === subject && (await issuers.findByIssuer(issuer)) === undefined;
      return (isOwn ? verifyOwn : verifyWorkload)(assertion, parameter, nowSeconds, address);
    },
  };
}

/**
 * The caller gets what the client would get by its own credentials, within what its JWT says. Throws as `authorizeByPolicy`;
 * a JWT that was used before is rejected when nothing else is wrong.
 */
export function authorizeIdentity(
  identity: JwtIdentity,
  parameter: IdentifyingParameter,
  request: GrantRequest,
): Authorization {
  const authorization = authorizeByPolicy({ ...request, scopes: request.scopes ?? identity.scopes });
  request.deferUse(async () => {
    if (!(await identity.use(request.client.id))) {
      throw rejectIdentity(parameter, 'token_replayed');
    }
  });
  return { ...authorization, logged: identity.logged };
}

/** Google's libraries put the scopes that they want into the JWT. */
function parseScopeClaim({ claims }: ClientAssertion, parameter: IdentifyingParameter): readonly string[] | undefined {
  const { scope } = claims;
  if (scope !== undefined && typeof scope !== 'string') {
    throw toErrorOf(parameter)('must have a string as its scope, or none', 'assertion_malformed');
  }
  return scope === undefined || scope === '' ? undefined : parseScope(scope);
}

function toErrorOf({ name, errorCode }: IdentifyingParameter): ThirdPartyJwtOptions['toError'] {
  return (fault, reason) => new OAuthError(errorCode, `The ${name} ${fault}.`, { reason });
}
