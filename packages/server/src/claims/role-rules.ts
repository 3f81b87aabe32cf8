/** Which role a person gets, by the claims that the provider makes about them. OpenID Connect Core §5.1. Pure. */
import { findPatternFault, fitsPattern, hasContent, parseClaimPath } from './claim-pattern.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Every claim must match: it is one of the texts, or it is a list with one of them. Texts may have patterns, as for workloads. */
export interface RoleRule {
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
  readonly role: string;
}

const mostRules = 200;

/** Returns the role of the first rule that matches; undefined: none does. */
export function findRole(rules: readonly RoleRule[], claims: Claims): string | undefined {
  return rules.find((rule) => Object.entries(rule.claims).every(([name, expected]) => fits(name, expected, claims)))
    ?.role;
}

function fits(name: string, expected: string | readonly string[], claims: Claims): boolean {
  const path = parseClaimPath(name) ?? [];
  // At many providers anybody can enter any address, until it is verified.
  if (path[0] === 'email' && claims['email_verified'] !== true) {
    return false;
  }
  const given = [findClaim(claims, path)].flat().filter((value) => typeof value === 'string');
  return given.some((value) => [expected].flat().some((pattern) => fitsPattern(pattern, value)));
}

function findClaim(claims: Claims, path: readonly string[]): unknown {
  let found: unknown = claims;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) {
      return undefined;
    }
    found = (found as Claims)[step];
  }
  return found;
}

/** What is invalid about the value, as the rest of a sentence; undefined: it is a list of rules. */
export function findRoleRulesFault(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostRules) {
    return `is not a JSON array of 1 to ${mostRules} rules`;
  }
  for (const [index, rule] of value.entries()) {
    const fault = findRuleFault(rule);
    if (fault !== undefined) {
      return `rule ${index + 1} ${fault}`;
    }
  }
  return undefined;
}

function findRuleFault(rule: unknown): string | undefined {
  const { claims, role, ...others } = (rule ?? {}) as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    return `has a member ${other}, which no rule has: only claims and role`;
  }
  if (typeof role !== 'string' || !/^[A-Za-z0-9_-]{1,100}$/.test(role)) {
    return 'names no role: role must be letters, digits, _ and -';
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims) || Object.keys(claims).length === 0) {
    return 'names no claims, so that it would match everybody';
  }
  for (const [name, expected] of Object.entries(claims)) {
    const texts = [expected].flat();
    if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
      return `expects of ${name} neither a text nor a list of texts`;
    }
    const fault =
      parseClaimPath(name) === undefined ? 'is not a JSON Pointer' : texts.map(findPatternFault).find(Boolean);
    if (fault !== undefined) {
      return `expects of ${name} what no claim can be: ${fault}`;
    }
  }
  const constrains = Object.values(claims).some((expected) =>
    [expected].flat().every((text) => hasContent(text as string)),
  );
  return constrains ? undefined : 'must expect more than * of a claim, or it would match everybody';
}
