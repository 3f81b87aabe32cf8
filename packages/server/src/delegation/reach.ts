/**
 * Reach: all that a client can do, and all that it can give to other clients, as one value with one comparison. Pure
 * rules, which every call that creates, changes, takes over or deletes a client applies.
 *
 * They guarantee: whatever a client does, also through clients that it created or took over, no client gets more than
 * the first one may give. So whoever touches a client must be able to give all of that client's reach.
 *
 * A client without limits of its own, whose token has `client:create`, gives what does not administer Postern. A client
 * that was given a limit, of any kind, gives what it has, and no more of anything.
 */
import { clientCredentialsGrant, toWireNames } from '@postern/protocol';
import { coverNetwork } from '../clients/allowed-networks.ts';
import type { Client, ClientChange } from '../clients/client.ts';
import { usesPrivateKey } from '../clients/client-metadata.ts';
import { clientAuthMethods, noClientAuth } from '../clients/client-metadata-schema.ts';
import { canonicalClaims } from '../clients/fixed-claims.ts';
import type { DelegationMode } from '../config/config.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';

/** What the rules look at besides clients, as the transaction of a change sees it. */
export interface ReachRules {
  readonly mode: DelegationMode;
  readonly registry: ScopeRegistry;
  /** The lifetime of the tokens of clients that set none. */
  readonly accessTokenTtlSeconds: number;
  readonly resources: readonly ResourceRights[];
}

/** Which clients act for a resource. */
export interface ResourceRights {
  readonly identifier: string;
  readonly introspectionClients: readonly string[];
}

/** What there may be of one thing: these names, or numbers up to this one. Null: all, also what is added later. */
export type Limit = ReadonlySet<string> | number | null;

/** A client, with what its scopes or those of a token let it give. */
interface Measured {
  readonly client: Client;
  readonly tokenScopes: ReadonlySet<string>;
  readonly assignable: ReadonlySet<string>;
  /** It gives what does not administer Postern, rather than what it has. */
  readonly isUnlimited: boolean;
  readonly rules: ReachRules;
}

/**
 * A list says what a client may have, and narrowing narrows whatever it has: both are limits. Narrowing is passed on to a
 * client that is created, if the call does not name the member. So is a mark, which a client with limits can neither leave out nor
 * change; to whoever has none, it is no limit that somebody else set. An ability is what a client needs in order to work at all.
 */
type Kind = 'list' | 'narrowing' | 'mark' | 'ability';

/** What a member lets a client do. */
interface Power {
  /** What "at most" means, for administrators. */
  readonly atMost: string;
  readonly measure: (measured: Measured) => Limit;
  /** Whether what is limited to these names includes one. Default: it is among them. */
  readonly includes?: (names: ReadonlySet<string>, name: string) => boolean;
  /** Says in what a client exceeds the limit. */
  readonly describe: (excess: string, limit: Limit) => string;
  readonly kind: Kind;
}

/** A member that gives no power, and why. */
type Powerless = string;

/**
 * Represents the scopes that will be added, among those that a client may assign. A client that may assign all ordinary
 * scopes because they are listed one by one may not assign these. It completes a sentence; no scope has spaces.
 */
export const futureScopes = 'that is added next';

const keyMethods: ReadonlySet<string> = new Set(clientAuthMethods.filter(usesPrivateKey));
const allMethods: ReadonlySet<string> = new Set([...clientAuthMethods, noClientAuth]);

const credential = 'how the client proves who it is, which gives it nothing';

/** What a client exceeds a list by that has no list itself. It completes a sentence. */
const unlimited = 'every resource';

const ownOr = ({ isUnlimited }: Measured, names: readonly string[]) => (isUnlimited ? null : new Set(names));
const notRequired = 'not required';
const required: ReadonlySet<string> = new Set(['required']);
const optional: ReadonlySet<string> = required.union(new Set([notRequired]));

/** A number of tokens per minute, day or month. */
function quota(member: 'tokenQuotaPerMinute' | 'tokenQuotaPerDay' | 'tokenQuotaPerMonth', name: string) {
  return {
    kind: 'narrowing',
    atMost: 'its own quota; `null` is no limit',
    measure: ({ client }: Measured) => client.metadata[member] ?? Number.POSITIVE_INFINITY,
    describe: (tokens: string, limit: Limit) =>
      beyond(
        name,
        `it may have ${tokens === 'Infinity' ? 'any number of' : tokens} ${name.replace(/^token_quota_/, 'tokens ').replace('_', ' ')}`,
        limit,
      ),
  } as const;
}

/** Every member that a change can set has its place here: a new one without a place does not compile. */
const members = {
  name: 'a label',
  description: 'a label',
  contact: 'a label',
  enabled: 'a client that is disabled can be enabled, and counts in the same way',
  jwks: credential,
  jwksUri: credential,
  clientIdMetadataDocument: credential,
  tokenEndpointAudienceAllowed: credential,
  spiffeId: credential,
  spiffeBundleEndpoint: credential,
  spiffeBundle: credential,
  spiffeJwtReuseAllowed: credential,
  tlsClientAuthSubjectDn: credential,
  tlsClientAuthSanDns: credential,
  tlsClientAuthSanUri: credential,
  tlsClientAuthSanIp: credential,
  tlsClientAuthSanEmail: credential,
  scopes: {
    kind: 'ability',
    atMost: 'the scopes that it may assign',
    measure: ({ client }) => client.scopes,
    describe: (scope) => `This requires the right to assign the scope ${scope}, which you do not have.`,
  },
  grantableScopes: {
    kind: 'list',
    atMost: 'the scopes that it may assign; `null` counts as all that a client with these scopes could assign',
    measure: ({ assignable }) => assignable,
    describe: (scope) =>
      `The client could assign the scope ${scope}, which you may not assign: narrow its grantable_scopes.`,
  },
  accessTokenTtlSeconds: {
    kind: 'narrowing',
    atMost: 'its own lifetime; `null` counts as the default of the server',
    measure: ({ client, rules }) => client.accessTokenTtlSeconds ?? rules.accessTokenTtlSeconds,
    describe: (seconds, limit) => beyond('access_token_ttl_seconds', `its tokens live ${seconds} seconds`, limit),
  },
  expiresAt: {
    kind: 'narrowing',
    atMost: 'its own end; `null` is no end',
    measure: ({ client }) => client.expiresAt ?? Number.POSITIVE_INFINITY,
    describe: (end, limit) =>
      beyond(
        'expires_at',
        `it ${end === 'Infinity' ? 'never expires' : `expires at ${formatTime(Number(end))}`}, and yours at ${formatTime(Number(limit))}`,
      ),
  },
  resources: {
    kind: 'list',
    atMost: 'its own resources',
    measure: (measured) => ownOr(measured, measured.client.metadata.resources ?? []),
    describe: (resource) => beyond('resources', `it may have tokens for ${resource}`),
  },
  defaultResource: 'one of its `resources`, which have a limit of their own',
  authorizationDetailsTypes: {
    kind: 'list',
    atMost: 'its own types',
    measure: (measured) => ownOr(measured, measured.client.metadata.authorizationDetailsTypes ?? []),
    describe: (type) => beyond('authorization_details_types', `it may have authorization details of type ${type}`),
  },
  grantTypes: {
    kind: 'ability',
    atMost: 'its own grant types; `null` counts as `client_credentials`',
    measure: (measured) => ownOr(measured, measured.client.metadata.grantTypes ?? [clientCredentialsGrant]),
    describe: (grantType, limit) => beyond('grant_types', `it may use ${grantType}`, limit),
  },
  tokenEndpointAuthMethod: {
    kind: 'ability',
    atMost: 'any method, unless its own proves a private key: then only methods that prove one',
    measure: ({ client, isUnlimited }) =>
      isUnlimited ? null : usesPrivateKey(client.metadata.tokenEndpointAuthMethod) ? keyMethods : allMethods,
    describe: (_method, limit) =>
      beyond('token_endpoint_auth_method', 'it authenticates without proving a private key', limit),
  },
  mayAct: {
    kind: 'narrowing',
    atMost: 'the same `may_act`',
    measure: (measured) => ownOr(measured, [measured.client.metadata.mayAct ?? '']),
    describe: (actor) => beyond('may_act', actor === '' ? 'it names no actor' : `it names ${actor}`),
  },
  dpopBoundAccessTokens: {
    kind: 'narrowing',
    atMost: 'required if it is required of its own client',
    measure: ({ client }) => (client.metadata.dpopBoundAccessTokens === true ? required : optional),
    describe: () => beyond('dpop_bound_access_tokens', 'its tokens need not be bound to a DPoP key'),
  },
  tlsClientCertificateBoundAccessTokens: {
    kind: 'narrowing',
    atMost: 'required if it is required of its own client',
    measure: ({ client }) => (client.metadata.tlsClientCertificateBoundAccessTokens === true ? required : optional),
    describe: () =>
      beyond('tls_client_certificate_bound_access_tokens', 'its tokens need not be bound to its certificate'),
  },
  fixedClaims: {
    kind: 'mark',
    atMost: 'exactly its own claims, or none if it has none',
    measure: (measured) => ownOr(measured, [canonicalClaims(measured.client.metadata.fixedClaims)]),
    describe: (claims, limit) =>
      beyond('fixed_claims', claims === '{}' ? 'its tokens have no such claims' : `its tokens have ${claims}`, limit),
  },
  allowedNetworks: {
    kind: 'narrowing',
    atMost: 'networks inside its own; `null` is everywhere',
    measure: ({ client: { metadata } }) =>
      metadata.allowedNetworks === undefined ? null : new Set(metadata.allowedNetworks),
    includes: (networks: ReadonlySet<string>, network: string) => coverNetwork([...networks], network),
    describe: (network, limit) =>
      beyond('allowed_networks', `it may authenticate from ${network === unlimited ? 'anywhere' : network}`, limit),
  },
  tokenQuotaPerMinute: quota('tokenQuotaPerMinute', 'token_quota_per_minute'),
  tokenQuotaPerDay: quota('tokenQuotaPerDay', 'token_quota_per_day'),
  tokenQuotaPerMonth: quota('tokenQuotaPerMonth', 'token_quota_per_month'),
  securityProfile: {
    kind: 'narrowing',
    atMost: 'the same profile, if it has one',
    measure: ({ client: { metadata } }) =>
      metadata.securityProfile === undefined ? null : new Set([metadata.securityProfile]),
    describe: (_profile, limit) => beyond('security_profile', 'it has another profile or none', limit),
  },
} as const satisfies Readonly<Record<keyof ClientChange, Power | Powerless>>;

/** What other records give to a client. */
const rights = {
  introspection: {
    kind: 'ability',
    atMost: 'resources that name its own client in `introspection_clients`, or all if it may change resources',
    measure: ({ client, tokenScopes, assignable, rules }) =>
      tokenScopes.has('resource:create_or_update') || assignable.has('resource:create_or_update')
        ? null
        : new Set(
            rules.resources
              .filter(({ introspectionClients }) => introspectionClients.includes(client.id))
              .map(({ identifier }) => identifier),
          ),
    describe: (resource) => beyond('introspection_clients', `it acts for ${resource}`),
  },
} as const satisfies Readonly<Record<string, Power>>;

type PowerName = {
  [M in keyof typeof members]: (typeof members)[M] extends Powerless ? never : M;
}[keyof typeof members];

export type Reach = Readonly<Record<PowerName | keyof typeof rights, Limit>>;

/** Every member, for the manual: what "at most" means, or why it gives nothing. */
export const reachMembers: Readonly<Record<string, Power | Powerless>> = { ...members, ...rights };

const powers = Object.entries(reachMembers).flatMap(([name, power]) =>
  typeof power === 'string' ? [] : [{ name: name as keyof Reach, ...power }],
);

/** What a client can do, and what it could give in turn. */
export function reachOf(client: Client, rules: ReachRules): Reach {
  return measureAll(client, client.scopes, rules);
}

/**
 * What a client can give with a token of `tokenScopes`: not the administrative scopes that it holds, unless its
 * `grantable_scopes` name them. Root gives everything.
 */
export function giftsOf(client: Client, tokenScopes: ReadonlySet<string>, rules: ReachRules): Reach {
  const scopes = assignableScopes(client, tokenScopes, rules);
  const gifts = client.isRoot
    ? (Object.fromEntries(powers.map(({ name }) => [name, null])) as Reach)
    : measureAll(client, tokenScopes, rules);
  return { ...gifts, scopes, grantableScopes: scopes };
}

function measureAll(client: Client, tokenScopes: ReadonlySet<string>, rules: ReachRules): Reach {
  const measured: Measured = {
    client,
    tokenScopes,
    assignable: assignableScopes(client, tokenScopes, rules),
    isUnlimited: isUnlimited(client, tokenScopes, rules),
    rules,
  };
  return Object.fromEntries(powers.map(({ name, measure }) => [name, measure(measured)])) as Reach;
}

/**
 * The scopes that a client may assign with a token of `tokenScopes`: those of the token and its `grantable_scopes`.
 * With no `grantable_scopes`, a holder of `client:create` may assign the whole registry (or, by POSTERN_DELEGATION,
 * what its token holds), and nothing that administers Postern is assigned at all.
 */
function assignableScopes(
  { isRoot, grantableScopes }: Client,
  tokenScopes: ReadonlySet<string>,
  { mode, registry }: ReachRules,
): ReadonlySet<string> {
  if (isRoot) {
    return withFuture(registry.names);
  }
  if (grantableScopes !== null) {
    return tokenScopes.union(grantableScopes);
  }
  return mode === 'registry' && tokenScopes.has('client:create')
    ? withFuture(registry.ordinaryNames)
    : tokenScopes.intersection(registry.ordinaryNames);
}

const futureSets = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

/** The same set for the same names, which are many and seldom change: two that may assign them all compare at once. */
function withFuture(names: ReadonlySet<string>): ReadonlySet<string> {
  const known = futureSets.get(names) ?? new Set(names).add(futureScopes);
  futureSets.set(names, known);
  return known;
}

/** Whether a client creates clients and was given no limit of any kind. */
function isUnlimited(client: Client, tokenScopes: ReadonlySet<string>, { mode }: ReachRules): boolean {
  const settings = settingsOf(client);
  const isLimited = powers.some(({ name, kind }) => kind !== 'ability' && settings[name] != null);
  return client.isRoot || (mode === 'registry' && tokenScopes.has('client:create') && !isLimited);
}

/** As a change would set them. */
function settingsOf(client: Client): Readonly<Record<string, unknown>> {
  const { metadata, grantableScopes, accessTokenTtlSeconds, expiresAt } = client;
  return {
    ...metadata,
    grantableScopes,
    accessTokenTtlSeconds,
    expiresAt: expiresAt === null ? null : formatTime(expiresAt),
  };
}

function formatTime(time: number): string {
  return new Date(time).toISOString();
}

/** The first thing in which `inner` exceeds `outer`, as a sentence for the caller; undefined: it is within. */
export function findExcess(inner: Reach, outer: Reach): string | undefined {
  for (const { name, describe, includes } of powers) {
    const excess = findExcessOf(inner[name], outer[name], includes);
    if (excess !== undefined) {
      return describe(excess, outer[name]);
    }
  }
  return undefined;
}

function findExcessOf(inner: Limit, outer: Limit, includes: Power['includes'] = isAmong): string | undefined {
  if (outer === null || inner === outer) {
    return undefined;
  }
  if (typeof outer === 'number') {
    return typeof inner === 'number' && inner <= outer ? undefined : String(inner);
  }
  if (inner === null || typeof inner === 'number') {
    return unlimited;
  }
  for (const name of inner) {
    if (!includes(outer, name)) {
      return name;
    }
  }
  return undefined;
}

function isAmong(names: ReadonlySet<string>, name: string): boolean {
  return names.has(name);
}

/** The members, by their wire names, whose limit is set before and wider after: those that a client gets from its creator. */
export function loosenedMembers(before: Client, after: Client, rules: ReachRules): string[] {
  const measured = (client: Client): Measured => ({
    client,
    tokenScopes: client.scopes,
    assignable: client.scopes,
    // What a client could give does not matter here.
    isUnlimited: false,
    rules,
  });
  const settings = settingsOf(before);
  return powers
    .filter(
      ({ name, kind, measure, includes }) =>
        kind === 'narrowing' &&
        settings[name] != null &&
        findExcessOf(measure(measured(after)), measure(measured(before)), includes) !== undefined,
    )
    .flatMap(({ name }) => Object.keys(toWireNames({ [name]: true })));
}

/** Whether a limit of something that can be required requires it. */
export function isRequired(limit: Limit): boolean {
  return limit instanceof Set && !limit.has(notRequired);
}

/** The names that a limit lists. */
export function namesOf(limit: Limit): string[] {
  return limit instanceof Set ? [...limit] : [];
}

/** Those of the names that are within a limit. */
export function within(names: readonly string[], limit: Limit): string[] {
  return names.filter((name) => findExcessOf(new Set([name]), limit) === undefined);
}

export interface Inheritance {
  /** The change with what is inherited. */
  readonly change: ClientChange;
  readonly inherited: ClientChange;
}

/**
 * The change that creates a client gets the limits of its creator for the members that it does not name. Tightens only:
 * a lifetime that is longer than the default is not inherited.
 */
export function inheritLimits(change: ClientChange, creator: Client, rules: ReachRules): Inheritance {
  const { accessTokenTtlSeconds } = creator;
  const isShorter = accessTokenTtlSeconds !== null && accessTokenTtlSeconds < rules.accessTokenTtlSeconds;
  const settings = settingsOf(isShorter ? creator : { ...creator, accessTokenTtlSeconds: null });
  const named: Readonly<Record<string, unknown>> = { ...change };
  const inherited: ClientChange = Object.fromEntries(
    powers
      .filter(({ name, kind }) => isPassedOn(kind) && named[name] === undefined && settings[name] != null)
      .map(({ name }) => [name, settings[name]]),
  );
  return { change: { ...change, ...inherited }, inherited };
}

function isPassedOn(kind: Kind): boolean {
  return kind === 'narrowing' || kind === 'mark';
}

function beyond(member: string, what: string, limit?: Limit): string {
  return `${member}: the client has more than you may give: ${what}${describeLimit(limit)}.`;
}

function describeLimit(limit: Limit | undefined): string {
  if (limit === undefined || limit === null) {
    return '';
  }
  return typeof limit === 'number'
    ? `, and you may give at most ${limit}`
    : `, and you may give only ${[...limit].join(', ')}`;
}
