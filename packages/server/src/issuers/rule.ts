/** Rules: which workload, by the claims of its token, is which client. RFC 7523 §3 leaves this to the server. */
import { findPatternFault, findTextClaim, fitsPattern, hasContent, parseClaimPath } from './claim-pattern.ts';
import { findTenantClaims } from './public-issuers.ts';

export interface Rule {
  readonly clientId: string;
  /** For the name of each claim that counts, the texts of which one must fit. See `claim-pattern.ts`. */
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
  /** The scopes of the client that the workload gets; null: all that the client holds. */
  readonly scopes: readonly string[] | null;
}

/** Claims that are checked of every token, and so tell nothing about whose it is. */
const claimsOfEveryToken = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'jti']);

/**
 * The one rule that a token fits; of those for one client, where the caller named it. Several are as bad as none: which
 * of them was meant is not for Postern to guess.
 */
export function chooseRule(
  rules: readonly Rule[],
  claims: Readonly<Record<string, unknown>>,
  clientId: string | undefined,
): Rule | 'no_rule_matches' | 'rules_ambiguous' {
  const [rule, ...others] = rules.filter(
    (candidate) => (clientId === undefined || candidate.clientId === clientId) && fitsRule(candidate, claims),
  );
  if (rule === undefined) {
    return 'no_rule_matches';
  }
  return others.length === 0 ? rule : 'rules_ambiguous';
}

/** Every claim of a rule must be there, as text, and fit. */
function fitsRule(rule: Rule, claims: Readonly<Record<string, unknown>>): boolean {
  const expectations = Object.entries(rule.claims);
  return (
    expectations.length > 0 &&
    expectations.every(([name, expected]) => {
      const value = findTextClaim(claims, parseClaimPath(name) ?? []);
      return value !== undefined && patternsOf(expected).some((pattern) => fitsPattern(pattern, value));
    })
  );
}

/**
 * What is wrong with a rule of an issuer, or undefined. A rule that lets in whomever the issuer knows is wrong, and
 * for a public issuer one that does not say which tenant's workloads it means.
 */
export function findRuleFault({ claims }: Rule, issuer: string): string | undefined {
  for (const [name, expected] of Object.entries(claims)) {
    const path = parseClaimPath(name);
    if (path === undefined) {
      return `claims: ${name} is not a JSON Pointer`;
    }
    if (path.length === 1 && claimsOfEveryToken.has(path[0] as string)) {
      return `claims: ${name} is checked of every token and does not tell whose it is`;
    }
    for (const pattern of patternsOf(expected)) {
      const fault = findPatternFault(pattern);
      if (fault !== undefined) {
        return `claims: ${name}: ${fault}`;
      }
    }
  }
  if (!Object.values(claims).some((expected) => constrains(expected, hasContent))) {
    return 'claims: at least one must be more than *, or the rule lets in every workload of the issuer';
  }
  const tenantClaims = findTenantClaims(issuer);
  const namesTenant = ([name, shape]: [string, RegExp]) =>
    Object.hasOwn(claims, name) && constrains(claims[name] ?? [], (pattern) => shape.test(pattern));
  if (tenantClaims !== undefined && !Object.entries(tenantClaims).some(namesTenant)) {
    return (
      'claims: this issuer signs for everybody, so one must name your own account without a *: ' +
      Object.keys(tenantClaims).join(', ')
    );
  }
  return undefined;
}

/** Of every pattern of an empty list anything is true, so one that must constrain holds at least one. */
function constrains(expected: string | readonly string[], test: (pattern: string) => boolean): boolean {
  const patterns = patternsOf(expected);
  return patterns.length > 0 && patterns.every(test);
}

function patternsOf(expected: string | readonly string[]): readonly string[] {
  return typeof expected === 'string' ? [expected] : expected;
}
