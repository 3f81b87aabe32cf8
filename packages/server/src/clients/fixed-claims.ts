/** Claims that every access token of a client has, in addition to those of RFC 9068 §2.2. They say what its administrator says. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isRegisteredClaim, OAuthError, showName } from '@postern/protocol';

export type FixedClaims = Readonly<Record<string, unknown>>;

/** Bytes of JSON, of which a token has a third more: well below the length that guards accept. */
const mostBytes = 2_048;

/** Objects and arrays inside each other, the claims themselves not counted. */
const mostDepth = 4;

/** Names that are no data in JavaScript: a program that copies claims by name would change its prototypes. */
const unsafeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** ASCII, so that no other letter is taken for one of a registered name; a URL is a name too. RFC 7519 §4.2. */
const namePattern = /^[A-Za-z0-9_.:/#?=&%~@+-]{1,200}$/;

/** Throws `invalid_parameter`, and says which claim is wrong and why. */
export function requireFixedClaims(claims: FixedClaims): void {
  for (const [name, value] of Object.entries(claims)) {
    const fault = findNameFault(name) ?? (value === null ? 'has no value' : findValueFault(value, mostDepth));
    if (fault !== undefined) {
      throw invalid(`the claim ${showName(name)} ${fault}.`);
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(claims));
  if (bytes > mostBytes) {
    throw invalid(`are ${bytes} bytes of JSON, and may be at most ${mostBytes}, because every token has them.`);
  }
}

function findNameFault(name: string): string | undefined {
  if (unsafeNames.has(name)) {
    return 'has a name that is not safe in programs';
  }
  if (!namePattern.test(name)) {
    return 'must have a name of 1 to 200 ASCII letters, digits and _ . : / # ? = & % ~ @ + -';
  }
  return isRegisteredClaim(name)
    ? 'has a registered meaning, which only Postern sets; choose a name of your own, such as a URL of yours'
    : undefined;
}

/** Completes a sentence that begins with the claim. */
function findValueFault(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') {
    return value.isWellFormed() ? undefined : 'has text that is not Unicode';
  }
  if (typeof value === 'number') {
    // The parser makes an infinite number of one that is too large, and JSON has none.
    return Number.isFinite(value) ? undefined : 'has a number that is too large';
  }
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (depth === 0) {
    return `has more than ${mostDepth} objects or arrays inside each other`;
  }
  for (const [name, inner] of Object.entries(value)) {
    if (unsafeNames.has(name)) {
      return `has a member named ${name}, which is not safe in programs`;
    }
    const fault = findValueFault(name, depth) ?? findValueFault(inner, depth - 1);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
}

/** Whether tokens that have the claims of `before` say something that is no longer so. */
export function withdrawsClaims(before: FixedClaims = {}, after: FixedClaims = {}): boolean {
  return Object.entries(before).some(([name, value]) => !isDeepStrictEqual(value, after[name]));
}

/** The same text for the same claims, in whichever order their members are. */
export function canonicalClaims(claims: FixedClaims = {}): string {
  return JSON.stringify(claims, (_name, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Those of the verified claims of a token that are fixed ones: no other claim has a name that is not registered. */
export function fixedClaimsOf(claims: Readonly<Record<string, unknown>>): FixedClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !isRegisteredClaim(name)));
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_parameter', `fixed_claims: ${text}`);
}
