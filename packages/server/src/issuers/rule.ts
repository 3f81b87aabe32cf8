/** Rules that map a workload or a person, by the claims of their token, to a client. RFC 7523 §3 leaves this to the server. */
import { showName } from '@postern/protocol';
import { findWorkloadPlatform } from '@postern/protocol/workload-platforms';
import { findPatternFault, findTextClaim, fitsPattern, hasContent, parseClaimPath } from '../claims/claim-pattern.ts';

export interface Rule {
  readonly clientId: string;
  /** For each claim, by name, the patterns of which one must match. See `claim-pattern.ts`. */
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
  /** Whether it is for people, whom an ID-JAG names, and not for workloads: neither's tokens match a rule for the other. */
  readonly people: boolean;
  /** The scopes of the client that the workload or person gets; null: all that the client holds. */
  readonly scopes: readonly string[] | null;
}

/** Claims that are checked in every token, and so do not identify who it is of. */
const claimsOfEveryToken = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'jti']);

/** Which rules a token may match. */
export interface RuleChoice {
  /** Whether the token is of a person. */
  readonly people: boolean;
  /** The client that is named; undefined: any. */
  readonly clientId: string | undefined;
}

/**
 * Returns the one rule that a token matches, among those of the choice. Several matches are rejected like none, since
 * Postern does not guess which one is meant.
 */
export function chooseRule(
  rules: readonly Rule[],
  claims: Readonly<Record<string, unknown>>,
  { people, clientId }: RuleChoice,
): Rule | 'no_rule_matches' | 'rules_ambiguous' {
  const [rule, ...others] = rules.filter(
    (candidate) =>
      candidate.people === people &&
      (clientId === undefined || candidate.clientId === clientId) &&
      fitsRule(candidate, claims),
  );
  if (rule === undefined) {
    return 'no_rule_matches';
  }
  return others.length === 0 ? rule : 'rules_ambiguous';
}

/** Every claim of a rule must be present, as text, and match. */
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
 * What is invalid about a rule of an issuer, or undefined. A rule must not accept every workload of the issuer and, if it is
 * that of a known platform, must name what the platform's table says.
 */
export function findRuleFault({ claims }: Rule, issuer: string): string | undefined {
  for (const [name, expected] of Object.entries(claims)) {
    const path = parseClaimPath(name);
    if (path === undefined) {
      return `claims: ${showName(name)} is not a JSON Pointer`;
    }
    if (path.length === 1 && claimsOfEveryToken.has(path[0] as string)) {
      return `claims: ${showName(name)} is checked in every token and identifies nobody`;
    }
    for (const pattern of patternsOf(expected)) {
      const fault = findPatternFault(pattern);
      if (fault !== undefined) {
        return `claims: ${showName(name)}: ${fault}`;
      }
    }
  }
  if (!Object.values(claims).some((expected) => constrains(expected, hasContent))) {
    return 'claims: at least one must be more than *, or the rule accepts every workload or person of the issuer';
  }
  const platform = findWorkloadPlatform(issuer);
  const isNamedBy = ([name, shape]: [string, RegExp]) =>
    Object.hasOwn(claims, name) && constrains(claims[name] ?? [], (pattern) => shape.test(pattern));
  if (platform !== undefined && !Object.entries(platform.required).some(isNamedBy)) {
    const { signsFor, mustName, required } = platform;
    return `claims: this issuer signs for ${signsFor}, so one must name ${mustName} without a *: ${Object.keys(required).join(', ')}`;
  }
  return undefined;
}

/** An empty list would meet every test, so a list that constrains has at least one pattern. */
function constrains(expected: string | readonly string[], test: (pattern: string) => boolean): boolean {
  const patterns = patternsOf(expected);
  return patterns.length > 0 && patterns.every(test);
}

function patternsOf(expected: string | readonly string[]): readonly string[] {
  return typeof expected === 'string' ? [expected] : expected;
}
