/**
 * An ID-JAG: by it the issuer that knows a person lets one client act for them here, at a resource and within scopes.
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §3.1 and §4.4.1, RFC 8693 §4.1.
 */
import { type Confirmation, parseCnf } from '@postern/guard';
import { type OAuthError, parseScope } from '@postern/protocol';
import { idJagTyp } from '../../access-token/sign-jwt.ts';
import { type Actor, maxActors } from './actor.ts';
import type { WorkloadAssertion } from './workload-assertion.ts';

export interface IdJag {
  /** The person, as `sub` of the access token. */
  readonly subject: string;
  /** The only client that may use it. */
  readonly clientId: string;
  /** Undefined: as many as the rule gives. */
  readonly scopes: readonly string[] | undefined;
  /** The only resources that the access token may be for; undefined: any. */
  readonly resources: readonly string[] | undefined;
  /** JSON, as in the parameter `authorization_details`. RFC 9396 §2. */
  readonly authorizationDetails: string | undefined;
  /** The key that whoever sends it must prove. */
  readonly confirmation: Confirmation | undefined;
  /** Who acts for the person, before the client. RFC 8693 §4.1. */
  readonly actor: Actor | undefined;
}

/** OpenID Connect Core §2: a subject has at most 255 ASCII characters. */
const personName = /^[\x20-\x7e]{1,255}$/;

const maxResources = 20;

export function isIdJag({ signed }: WorkloadAssertion): boolean {
  return signed.header['typ'] === idJagTyp;
}

/**
 * Reads the claims that only an ID-JAG has. Throws what `toError` makes, with a text that names the fault. Does not check
 * whether the client may have what it says.
 */
export function parseIdJag(assertion: WorkloadAssertion, toError: (fault: string) => OAuthError): IdJag {
  const { issuer, subject, jti, issuedAt, claims } = assertion;
  const { client_id, scope, resource, tenant, cnf, act, authorization_details } = claims;
  if (jti === undefined || issuedAt === undefined) {
    throw toError('must have a jti and an iat, as it is an ID-JAG');
  }
  if (typeof client_id !== 'string' || client_id === '') {
    throw toError('must have a client_id, as it is an ID-JAG');
  }
  requireNames(subject, tenant, toError);
  if (scope !== undefined && typeof scope !== 'string') {
    throw toError('must have a string as its scope, or none');
  }
  const confirmation = cnf === undefined ? undefined : parseCnf(cnf);
  if (cnf !== undefined && confirmation === undefined) {
    throw toError('must have a cnf with jkt or x5t#S256, or none');
  }
  const actor = act === undefined ? undefined : parseActor(act, issuer, maxActors);
  if (act !== undefined && actor === undefined) {
    throw toError(`must have an act of at most ${maxActors} actors, each with a sub, or none`);
  }
  return {
    subject: toSubject(issuer, subject, tenant),
    clientId: client_id,
    scopes: scope === undefined ? undefined : parseScope(scope),
    resources: parseResources(resource, toError),
    authorizationDetails: authorization_details === undefined ? undefined : JSON.stringify(authorization_details),
    confirmation,
    actor,
  };
}

/**
 * The `sub` of somebody whom another issuer knows: their issuer, with what it calls them as the fragment. Nobody else has it,
 * neither at another issuer or tenant nor among the clients here, so that an API may compare it alone. RFC 7519 §4.1.2.
 */
export function toSubject(issuer: string, subject: string, tenant?: string): string {
  const parts = tenant === undefined ? [subject] : [tenant, subject];
  return `${issuer}#${parts.map((part) => encodeURIComponent(part).replaceAll('%40', '@')).join('/')}`;
}

function requireNames(
  subject: string,
  tenant: unknown,
  toError: (fault: string) => OAuthError,
): asserts tenant is string | undefined {
  if (!isName(subject) || (tenant !== undefined && !isName(tenant))) {
    throw toError('must have 1 to 255 printable ASCII characters as its sub and its tenant, or no tenant');
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && personName.test(value);
}

function parseResources(resource: unknown, toError: (fault: string) => OAuthError): readonly string[] | undefined {
  if (resource === undefined) {
    return undefined;
  }
  const resources: readonly unknown[] = [resource].flat();
  if (resources.length === 0 || resources.length > maxResources || !resources.every((one) => typeof one === 'string')) {
    throw toError(`must have a URI as its resource, or a list of 1 to ${maxResources}, or none`);
  }
  return resources;
}

/**
 * What the ID token of a person says, as an ID-JAG for its audience would: the client that the person has signed in to. Throws as
 * `parseIdJag`. draft-ietf-oauth-identity-assertion-authz-grant-04 §4.3.3.
 */
export function parseIdToken(assertion: WorkloadAssertion, toError: (fault: string) => OAuthError): IdJag {
  const { issuer, subject, audience, claims } = assertion;
  const { tenant } = claims;
  if (audience === undefined) {
    throw toError('must have the client as its only aud');
  }
  requireNames(subject, tenant, toError);
  return {
    subject: toSubject(issuer, subject, tenant),
    clientId: audience,
    scopes: undefined,
    resources: undefined,
    authorizationDetails: undefined,
    confirmation: undefined,
    actor: undefined,
  };
}

/** The actors as clients of their issuer, which are not those here; undefined if the claim is malformed. */
function parseActor(act: unknown, issuer: string, most: number): Actor | undefined {
  const { sub, act: previous } = (act ?? {}) as Record<string, unknown>;
  if (most === 0 || !isName(sub)) {
    return undefined;
  }
  const before = previous === undefined ? undefined : parseActor(previous, issuer, most - 1);
  if (previous !== undefined && before === undefined) {
    return undefined;
  }
  return { sub: toSubject(issuer, sub), ...(before !== undefined && { act: before }) };
}
