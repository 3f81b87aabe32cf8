/**
 * Client policies: what an installation requires of all clients, or of those that hold a scope, whoever creates and changes them.
 * Pure rules. They are applied to every write of a client and, for clients from before a policy, to everything that they are issued.
 *
 * Root is no subject of policies: it sets them.
 */
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { clientAuthMethods, noClientAuth } from '../clients/client-metadata-schema.ts';
import { requireProfileKeys, type SecurityProfile, securityProfileOf } from '../clients/security-profile.ts';
import { acceptedAlgorithms } from '../jwt/third-party-algorithms.ts';

export const senderConstraints = ['dpop', 'tls_client_certificate', 'any'] as const;

/** What a policy requires. Null, everywhere: nothing. */
export interface ClientPolicy {
  readonly name: string;
  readonly description: string | null;
  /** The clients that hold it; null: all. */
  readonly scope: string | null;
  readonly maxAccessTokenTtlSeconds: number | null;
  readonly minRsaBits: number | null;
  readonly minEcBits: number | null;
  /** Of JWTs that the client sends, and of its tokens. */
  readonly signingAlgs: readonly string[] | null;
  readonly tokenEndpointAuthMethods: readonly string[] | null;
  readonly senderConstraint: (typeof senderConstraints)[number] | null;
  readonly maxSecretTtlSeconds: number | null;
}

/** Registered methods; `undefined` in metadata means one of these two. */
const secretMethods = ['client_secret_basic', 'client_secret_post'];

const unlimited: SecurityProfile = {
  authMethods: [...clientAuthMethods, noClientAuth],
  algorithms: acceptedAlgorithms,
  assertsToIssuerOnly: false,
  bindsTokens: false,
  leastRsaBits: 0,
  leastEcBits: 0,
};

export function policiesFor(client: Client, policies: readonly ClientPolicy[]): readonly ClientPolicy[] {
  return client.isRoot ? [] : policies.filter(({ scope }) => scope === null || client.scopes.has(scope));
}

/** Throws `invalid_parameter` if the client does not meet a policy. A client that is disabled may be as it is. */
export function requirePolicies(client: Client, policies: readonly ClientPolicy[]): void {
  if (!client.enabled) {
    return;
  }
  for (const policy of policiesFor(client, policies)) {
    const label = `client policy ${policy.name}`;
    const invalid = (member: string, required: string) =>
      new OAuthError('invalid_parameter', `${member}: the ${label} requires ${required}.`);
    const { accessTokenTtlSeconds, metadata } = client;
    if (accessTokenTtlSeconds !== null && accessTokenTtlSeconds > (policy.maxAccessTokenTtlSeconds ?? Infinity)) {
      throw invalid('access_token_ttl_seconds', `at most ${policy.maxAccessTokenTtlSeconds} seconds`);
    }
    const { tokenEndpointAuthMethod } = metadata;
    const methods = tokenEndpointAuthMethod === undefined ? secretMethods : [tokenEndpointAuthMethod];
    if (!methods.some((method) => policy.tokenEndpointAuthMethods?.includes(method) ?? true)) {
      throw invalid('token_endpoint_auth_method', policy.tokenEndpointAuthMethods?.join(' or ') ?? '');
    }
    if (policy.senderConstraint === 'dpop' && metadata.tlsClientCertificateBoundAccessTokens === true) {
      throw invalid('tls_client_certificate_bound_access_tokens', 'tokens that are bound by DPoP');
    }
    if (policy.senderConstraint === 'tls_client_certificate' && metadata.dpopBoundAccessTokens === true) {
      throw invalid('dpop_bound_access_tokens', 'tokens that are bound to a client certificate');
    }
    if (policy.signingAlgs !== null || policy.minRsaBits !== null || policy.minEcBits !== null) {
      requireProfileKeys(metadata.jwks?.keys ?? [], profileOf(policy), label);
    }
  }
}

/**
 * Throws `conflict` if no client could meet the policy and another one that is always for the same clients. Two policies for
 * different scopes may contradict each other: no client that holds both gets tokens then.
 */
export function requireConsistency(policy: ClientPolicy, others: readonly ClientPolicy[]): void {
  for (const other of others) {
    const isForSameClients = policy.scope === null || other.scope === null || policy.scope === other.scope;
    if (other.name === policy.name || !isForSameClients) {
      continue;
    }
    const contradiction = (member: string) =>
      new OAuthError('conflict', `${member}: no client could meet this and client policy ${other.name} at once.`);
    const constraints = new Set([policy.senderConstraint, other.senderConstraint]);
    if (constraints.has('dpop') && constraints.has('tls_client_certificate')) {
      throw contradiction('sender_constraint');
    }
    const { authMethods, algorithms } = mergeProfiles(profileOf(policy), profileOf(other));
    if (authMethods.length === 0) {
      throw contradiction('token_endpoint_auth_methods');
    }
    if (algorithms.length === 0) {
      throw contradiction('signing_algs');
    }
  }
}

/** The longest life of a new secret of the client; undefined if it need not end. */
export function findLongestSecretTtl(client: Client, policies: readonly ClientPolicy[]): number | undefined {
  return least(policiesFor(client, policies).map(({ maxSecretTtlSeconds }) => maxSecretTtlSeconds));
}

/**
 * The seconds after which a new secret expires: those that were asked for, or the longest that a policy allows. Throws
 * `invalid_parameter` if they are too many.
 */
export function secretTtlSeconds(
  client: Client,
  policies: readonly ClientPolicy[],
  wanted: number | undefined,
): number | undefined {
  const longest = findLongestSecretTtl(client, policies);
  if (wanted !== undefined && wanted > (longest ?? Infinity)) {
    throw new OAuthError('invalid_parameter', `expires_in_seconds: a client policy allows at most ${longest}.`);
  }
  return wanted ?? longest;
}

/** The client as tokens are issued to it: whatever its settings are, no more than the policies allow. */
export function withPolicies(client: Client, policies: readonly ClientPolicy[], defaultTtlSeconds: number): Client {
  const own = policiesFor(client, policies);
  if (own.length === 0) {
    return client;
  }
  const longestTtl = least(own.map(({ maxAccessTokenTtlSeconds }) => maxAccessTokenTtlSeconds));
  const longestSecret = findLongestSecretTtl(client, own);
  const constraints = own.map(({ senderConstraint }) => senderConstraint);
  return {
    ...client,
    accessTokenTtlSeconds:
      longestTtl === undefined
        ? client.accessTokenTtlSeconds
        : Math.min(client.accessTokenTtlSeconds ?? defaultTtlSeconds, longestTtl),
    secrets: client.secrets.map((secret) => ({
      ...secret,
      expiresAt:
        longestSecret === undefined
          ? secret.expiresAt
          : Math.min(secret.expiresAt ?? Infinity, secret.createdAt + longestSecret * 1000),
    })),
    metadata: {
      ...client.metadata,
      ...(constraints.includes('dpop') && {
        dpopBoundAccessTokens: true,
        tlsClientCertificateBoundAccessTokens: false,
      }),
      ...(constraints.includes('tls_client_certificate') && {
        dpopBoundAccessTokens: false,
        tlsClientCertificateBoundAccessTokens: true,
      }),
    },
    requirements: own.map(profileOf).reduce(mergeProfiles, securityProfileOf(client.metadata) ?? unlimited),
  };
}

function profileOf(policy: ClientPolicy): SecurityProfile {
  return {
    authMethods: policy.tokenEndpointAuthMethods ?? unlimited.authMethods,
    algorithms: policy.signingAlgs ?? unlimited.algorithms,
    assertsToIssuerOnly: false,
    bindsTokens: policy.senderConstraint !== null,
    leastRsaBits: policy.minRsaBits ?? 0,
    leastEcBits: policy.minEcBits ?? 0,
  };
}

function mergeProfiles(one: SecurityProfile, other: SecurityProfile): SecurityProfile {
  return {
    authMethods: one.authMethods.filter((method) => other.authMethods.includes(method)),
    algorithms: one.algorithms.filter((algorithm) => other.algorithms.includes(algorithm)),
    assertsToIssuerOnly: one.assertsToIssuerOnly || other.assertsToIssuerOnly,
    bindsTokens: one.bindsTokens || other.bindsTokens,
    leastRsaBits: Math.max(one.leastRsaBits, other.leastRsaBits),
    leastEcBits: Math.max(one.leastEcBits, other.leastEcBits),
  };
}

function least(limits: readonly (number | null)[]): number | undefined {
  const set = limits.filter((limit) => limit !== null);
  return set.length === 0 ? undefined : Math.min(...set);
}
