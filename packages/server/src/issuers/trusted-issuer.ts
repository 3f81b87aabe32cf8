/** An issuer whose tokens identify workloads as clients, or people who act through them. RFC 7523 §3, OpenID Connect Discovery §4, JWT-SVID. */
import { OAuthError } from '@postern/protocol';
import { findPlaceholder } from '../claims/placeholder.ts';
import { requireFitKeys } from '../clients/jwk-set.ts';
import { isTrustDomain } from '../spiffe/spiffe-id.ts';
import { findRuleFault, type Rule } from './rule.ts';

export interface TrustedIssuer {
  /** Short name of the record, for URLs of the management API. */
  readonly key: string;
  /** The `iss` of its tokens; for JWT-SVIDs without one, `spiffe://` and the trust domain of their `sub`. */
  readonly issuer: string;
  /** Its public keys by value. If null, they are at `jwksUri`, and if that is null too, its discovery document has the URL. */
  readonly jwks: object | null;
  readonly jwksUri: string | null;
  /** The one audience that its tokens must have; null: Postern's issuer. */
  readonly audience: string | null;
  /** A token is rejected this many seconds after it was issued, even if it has not expired. */
  readonly maxAgeSeconds: number;
  /** Each of its tokens can be exchanged for at most one access token. */
  readonly singleUse: boolean;
  readonly rules: readonly Rule[];
}

export const defaultMaxAgeSeconds = 3_600;

/** A day, for which used tokens are remembered. */
export const longestMaxAgeSeconds = 86_400;

/**
 * Throws `invalid_parameter` if its members contradict each other, or a rule accepts too many workloads.
 * Does not check the clients and scopes of the rules.
 */
export function requireTrustedIssuer(trusted: TrustedIssuer, ownIssuer: string): void {
  const { issuer, jwks, jwksUri, audience, rules } = trusted;
  for (const [member, text] of Object.entries({ issuer, jwks_uri: jwksUri, audience })) {
    const placeholder = text === null ? undefined : findPlaceholder(text);
    if (placeholder !== undefined) {
      throw invalid(`${member}: '${placeholder}' is a placeholder; write your own name instead`);
    }
  }
  if (issuer === ownIssuer) {
    throw invalid('issuer: is Postern itself, whose tokens identify no workload');
  }
  if (issuer.startsWith('spiffe:') && !isTrustDomain(issuer)) {
    throw invalid('issuer: must be spiffe:// and a trust domain in lower case, without a path');
  }
  if (jwks !== null && jwksUri !== null) {
    throw invalid('jwks_uri: keys are given by jwks or by jwks_uri, not by both');
  }
  if (jwksUri !== null && URL.parse(jwksUri)?.protocol !== 'https:') {
    throw invalid('jwks_uri: must be an https URL');
  }
  if (jwks !== null) {
    requireFitKeys(jwks);
  }
  if (jwks === null && jwksUri === null && !isDiscoverable(issuer)) {
    throw invalid('issuer: must be an https URL without query and fragment, unless jwks or jwks_uri is set');
  }
  // The sub of a person's tokens is the issuer with a fragment.
  if (rules.some(({ people }) => people) && !isDiscoverable(issuer)) {
    throw invalid('issuer: must be an https URL without query and fragment if a rule is for people');
  }
  for (const [index, rule] of rules.entries()) {
    const fault = findRuleFault(rule, issuer);
    if (fault !== undefined) {
      throw invalid(`rules[${index}].${fault}`);
    }
  }
}

function isDiscoverable(issuer: string): boolean {
  return URL.parse(issuer)?.protocol === 'https:' && !/[?#]/.test(issuer);
}

/**
 * The clients of rules that no longer apply: rules that were deleted or changed, or all if the issuer, its keys or its
 * audience changed. `after` is undefined if the issuer was deleted.
 */
export function clientsLosingTrust(before: TrustedIssuer, after: TrustedIssuer | undefined): ReadonlySet<string> {
  const trustOf = ({ issuer, jwks, jwksUri, audience }: TrustedIssuer, rule: Rule) =>
    JSON.stringify([issuer, jwks, jwksUri, audience, rule.clientId, rule.claims, rule.people, rule.scopes]);
  const kept = new Set(after?.rules.map((rule) => trustOf(after, rule)));
  return new Set(before.rules.filter((rule) => !kept.has(trustOf(before, rule))).map(({ clientId }) => clientId));
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_parameter', `${text}.`);
}
