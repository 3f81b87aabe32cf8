/**
 * Which client a JWT says that its caller is: that of a workload, by the rules of the issuer that is trusted (RFC 7523 §3), the
 * one through which a person acts, by an ID-JAG of such an issuer (draft-ietf-oauth-identity-assertion-authz-grant-04 §4.4.1), or
 * the one that signed it with its own registered key (RFC 7521 §3). Every grant that takes such a JWT judges it here.
 */
import { isDeepStrictEqual } from 'node:util';
import { jwtBearerGrant, OAuthError, parseScope } from '@postern/protocol';
import type { Authorization } from '../../access-token/authorization.ts';
import { idJagTyp } from '../../access-token/sign-jwt.ts';
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
import { chooseRule, type RuleChoice } from '../../issuers/rule.ts';
import type { TrustedIssuer } from '../../issuers/trusted-issuer.ts';
import type { TrustedIssuerRegistry } from '../../issuers/trusted-issuer-registry.ts';
import { findSignatureFault, type ThirdPartyJwtOptions } from '../../jwt/third-party-jwt.ts';
import type { UsedTokens } from '../../jwt/used-token-store.ts';
import { withoutEmptyPath } from '../target.ts';
import { authorizeByPolicy } from './client-credentials.ts';
import { type GrantRequest, type IdentifyingParameter, rejectIdentity } from './grant.ts';
import { type IdJag, isIdJag, parseIdJag, parseIdToken } from './id-jag.ts';
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
  /** What a person's issuer delegates, if the JWT is of a person: the client must authenticate too. */
  readonly idJag: IdJag | undefined;
  /** Seconds since 1970. */
  readonly expiresAt: number;
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
  /** Of a person who has signed in to the client: an ID token for it. It may be used again. */
  ofIdToken(parameter: IdentifyingParameter): VerifyIdentity;
  /** Of a workload, of a person as an ID-JAG, or of a client that signed it itself: `iss` and `sub` are its id. */
  ofAssertion(parameter: IdentifyingParameter): VerifyIdentity;
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

  const verifyOfIssuer = async (
    assertion: WorkloadAssertion,
    parameter: IdentifyingParameter,
    nowSeconds: number,
    idToken?: IdJag,
  ): Promise<JwtIdentity> => {
    const idJag = idToken ?? (isIdJag(assertion) ? parseIdJag(assertion, toMalformed(parameter)) : undefined);
    const trusted = await requireTrusted(assertion, parameter);
    const audience = idToken?.clientId ?? (idJag === undefined ? (trusted.audience ?? ownIssuer) : ownIssuer);
    const fault = findAssertionFault(assertion, trusted, audience, nowSeconds);
    if (fault !== undefined) {
      throw rejectIdentity(parameter, fault);
    }
    const signatureFault = await findSignatureFault(assertion, issuerKeys(trusted));
    if (signatureFault !== undefined) {
      throw rejectIdentity(parameter, signatureFault);
    }
    return {
      findClient: (named) =>
        idJag === undefined
          ? findClientOfRule(assertion, trusted, parameter, { people: false, clientId: named })
          : findClientOfPerson(assertion, idJag, trusted, parameter, named),
      scopes: idJag?.scopes,
      idJag,
      expiresAt: assertion.expiresAt,
      async use(clientId) {
        // Again, since the issuer may have been deleted in the meantime.
        const { singleUse } = await requireTrusted(assertion, parameter);
        const { issuer, id } = assertion;
        const expiresAt = rememberUntil(assertion);
        return (
          !singleUse ||
          idToken !== undefined ||
          usedTokens.use({ kind: 'workload', issuer, jti: id, expiresAt, clientId })
        );
      },
      // The line names the person as the sub of the token.
      logged: idJag === undefined ? { workload_issuer: assertion.issuer, workload: assertion.subject } : {},
    };
  };

  const findClientOfRule = async (
    { claims }: WorkloadAssertion,
    { rules }: TrustedIssuer,
    parameter: IdentifyingParameter,
    choice: RuleChoice,
  ): Promise<Client> => {
    const rule = chooseRule(rules, claims, choice);
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

  const findClientOfPerson = async (
    assertion: WorkloadAssertion,
    { clientId, scopes }: IdJag,
    trusted: TrustedIssuer,
    parameter: IdentifyingParameter,
    named: string | undefined,
  ): Promise<Client> => {
    if (named !== undefined && named !== clientId) {
      throw rejectIdentity(parameter, 'client_unknown');
    }
    const client = await findClientOfRule(assertion, trusted, parameter, { people: true, clientId });
    return limitToScopes(client, scopes, parameter);
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
    const inMemory = directory.findInMemory(clientId);
    const judge = async (client: Client | undefined) => ({
      client,
      fault: client === undefined ? 'client_unknown' : await findOwnFault(client, assertion, address),
    });
    let { client, fault } = await judge(await directory.find(clientId));
    // An unknown client was looked for in the database, so a failure takes as long for one that is known.
    const changed = fault === undefined || inMemory === undefined ? undefined : await directory.reread(inMemory);
    if (changed !== undefined) {
      ({ client, fault } = await judge(changed.client));
    }
    if (client === undefined || fault !== undefined) {
      throw client !== undefined &&
        fault === 'audience_wrong' &&
        findStatusFault(client, nowSeconds * 1000) === undefined
        ? audienceError(client, assertion, audiences, toErrorOf(parameter))
        : rejectIdentity(parameter, fault ?? 'client_unknown');
    }
    return {
      async findClient(named) {
        if (named !== undefined && named !== clientId) {
          throw rejectIdentity(parameter, 'client_unknown');
        }
        return limitToScopes(client, scopes, parameter);
      },
      scopes,
      idJag: undefined,
      expiresAt: assertion.expiresAt,
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
      verifyOfIssuer(parseWorkloadAssertion(text, { toError: toErrorOf(parameter) }), parameter, nowSeconds),

    ofIdToken: (parameter) => async (text, nowSeconds) => {
      const assertion = parseWorkloadAssertion(text, { toError: toErrorOf(parameter) });
      return verifyOfIssuer(assertion, parameter, nowSeconds, parseIdToken(assertion, toMalformed(parameter)));
    },

    ofAssertion: (parameter) => async (text, nowSeconds, address) => {
      const assertion = parseWorkloadAssertion(text, { types: [idJagTyp], toError: toErrorOf(parameter) });
      const { issuer, subject } = assertion;
      const isOwn = !isIdJag(assertion) && issuer === subject && (await issuers.findByIssuer(issuer)) === undefined;
      return isOwn
        ? verifyOwn(assertion, parameter, nowSeconds, address)
        : verifyOfIssuer(assertion, parameter, nowSeconds);
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
  const { idJag } = identity;
  const authorization = authorizeByPolicy({ ...request, scopes: request.scopes ?? identity.scopes });
  if (idJag !== undefined) {
    requireDelegated(idJag, parameter, request);
  }
  request.deferUse(async () => {
    if (!(await identity.use(request.client.id))) {
      throw rejectIdentity(parameter, 'token_replayed');
    }
  });
  return {
    ...authorization,
    ...(idJag !== undefined && {
      subject: idJag.subject,
      claims: { ...authorization.claims, ...(idJag.actor !== undefined && { act: idJag.actor }) },
    }),
    logged: identity.logged,
  };
}

/** Throws unless the ID-JAG is for the resource that the token is for, and the request proves the key that it is bound to. */
function requireDelegated(
  { resources, confirmation }: IdJag,
  { name, errorCode }: IdentifyingParameter,
  { target, ...request }: GrantRequest,
): void {
  if (resources?.map(withoutEmptyPath).includes(target.audience) === false) {
    throw new OAuthError(
      'invalid_target',
      `The ${name} is for other resources than the one that the token would be for: name one of them as resource.`,
    );
  }
  if (confirmation !== undefined && !isDeepStrictEqual(confirmation, request.confirmation)) {
    throw new OAuthError(errorCode, `The ${name} is bound to a key that this request does not prove.`, {
      reason: request.confirmation === undefined ? 'proof_missing' : 'proof_wrong',
    });
  }
}

/** The client with no more than these scopes; undefined: all of its own. Throws `invalid_scope` if it does not hold one. */
function limitToScopes(client: Client, scopes: readonly string[] | undefined, { name }: IdentifyingParameter): Client {
  const excess = scopes?.findIndex((scope) => !client.scopes.has(scope)) ?? -1;
  if (excess !== -1) {
    throw new OAuthError(
      'invalid_scope',
      `The ${name} asks for a scope that the client does not hold, number ${excess + 1} in its claim scope.`,
    );
  }
  return scopes === undefined ? client : { ...client, scopes: client.scopes.intersection(new Set(scopes)) };
}

/** Google's libraries put the scopes that they want into the JWT. */
function parseScopeClaim({ claims }: ClientAssertion, parameter: IdentifyingParameter): readonly string[] | undefined {
  const { scope } = claims;
  if (scope !== undefined && typeof scope !== 'string') {
    throw toMalformed(parameter)('must have a string as its scope, or none');
  }
  return scope === undefined || scope === '' ? undefined : parseScope(scope);
}

function toMalformed(parameter: IdentifyingParameter): (fault: string) => OAuthError {
  return (fault) => toErrorOf(parameter)(fault, 'assertion_malformed');
}

function toErrorOf({ name, errorCode }: IdentifyingParameter): ThirdPartyJwtOptions['toError'] {
  return (fault, reason) => new OAuthError(errorCode, `The ${name} ${fault}.`, { reason });
}
