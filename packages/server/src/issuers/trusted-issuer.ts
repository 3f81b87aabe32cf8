/** An issuer whose tokens tell which client a workload is. RFC 7523 §3, OpenID Connect Discovery §4, JWT-SVID. */
import { OAuthError } from '@postern/protocol';
import { findRuleFault, type Rule } from './rule.ts';

export interface TrustedIssuer {
  /** Short name of the record, for URLs of the management API. */
  readonly key: string;
  /** The `iss` of its tokens; for JWT-SVIDs without one, `spiffe://` and the trust domain of their `sub`. */
  readonly issuer: string;
  /** Its public keys by value; null: at `jwksUri`, and where that is null too, where its discovery document says. */
  readonly jwks: object | null;
  readonly jwksUri: string | null;
  /** The one audience that its tokens must have; null: Postern's issuer. */
  readonly audience: string | null;
  /** A token is refused this many seconds after it was made, however late it expires. */
  readonly maxAgeSeconds: number;
  /** Each of its tokens brings one access token at the most. */
  readonly singleUse: boolean;
  readonly rules: readonly Rule[];
}

export const defaultMaxAgeSeconds = 3_600;

/** A day: as long is remembered which tokens were used. */
export const longestMaxAgeSeconds = 86_400;

/** A trust domain as the issuer of JWT-SVIDs that have no `iss`. SPIFFE-ID §2.1. */
const trustDomain = /^spiffe:\/\/[a-z0-9._-]{1,255}$/;

/** The trust domain of a SPIFFE ID, as an issuer; undefined for any other text. SPIFFE-ID §2. */
export function findTrustDomain(spiffeId: string): string | undefined {
  return /^(?<domain>spiffe:\/\/[a-z0-9._-]{1,255})(\/[A-Za-z0-9._-]+)+$/.exec(spiffeId)?.groups?.['domain'];
}

/** True for an issuer that is a trust domain. */
export function isTrustDomain(issuer: string): boolean {
  return trustDomain.test(issuer);
}

/**
 * Throws `invalid_parameter` where its members contradict each other, or a rule lets in too many.
 * Does not check the clients and scopes of the rules.
 */
export function checkTrustedIssuer(trusted: TrustedIssuer, ownIssuer: string): void {
  const { issuer, jwks, jwksUri, rules } = trusted;
  if (issuer === ownIssuer) {
    throw wrong('issuer: is Postern itself, whose tokens tell of no workload');
  }
  if (issuer.startsWith('spiffe:') && !isTrustDomain(issuer)) {
    throw wrong('issuer: must be spiffe:// and a trust domain in lower case, without a path');
  }
  if (jwks !== null && jwksUri !== null) {
    throw wrong('jwks_uri: keys are given by jwks or by jwks_uri, not by both');
  }
  if (jwksUri !== null && URL.parse(jwksUri)?.protocol !== 'https:') {
    throw wrong('jwks_uri: must be an https URL');
  }
  if (jwks === null && jwksUri === null && !isDiscoverable(issuer)) {
    throw wrong('issuer: must be an https URL without query and fragment, unless jwks or jwks_uri tell its keys');
  }
  for (const [index, rule] of rules.entries()) {
    const fault = findRuleFault(rule, issuer);
    if (fault !== undefined) {
      throw wrong(`rules[${index}].${fault}`);
    }
  }
}

function isDiscoverable(issuer: string): boolean {
  return URL.parse(issuer)?.protocol === 'https:' && !/[?#]/.test(issuer);
}

/**
 * The clients that had a way in before and lost it, or part of it: by a rule that is gone or changed, or by all of them
 * where the issuer, its keys or its audience did. `after` is undefined where the issuer was deleted.
 */
export function clientsLosingTrust(before: TrustedIssuer, after: TrustedIssuer | undefined): ReadonlySet<string> {
  const trustOf = ({ issuer, jwks, jwksUri, audience }: TrustedIssuer, rule: Rule) =>
    JSON.stringify([issuer, jwks, jwksUri, audience, rule.clientId, rule.claims, rule.scopes]);
  const kept = new Set(after?.rules.map((rule) => trustOf(after, rule)));
  return new Set(before.rules.filter((rule) => !kept.has(trustOf(before, rule))).map(({ clientId }) => clientId));
}

function wrong(text: string): OAuthError {
  return new OAuthError('invalid_parameter', `${text}.`);
}
