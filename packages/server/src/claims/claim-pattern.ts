/** How a rule names a claim, and the patterns that it must match. JSON Pointer: RFC 6901. */
import { findPlaceholder } from './placeholder.ts';

/**
 * Whether a claim matches. Without `*` it must be equal, character by character. A `*` matches one or more characters of
 * one segment. Segments are separated by `:` and `/`, which it never matches, so that `repo:org/*` matches the
 * repositories of `org`, and neither those of `org-evil` nor anything after the repository.
 */
export function fitsPattern(pattern: string, value: string): boolean {
  const expected = toSegments(pattern);
  const given = toSegments(value);
  return (
    expected.length === given.length && expected.every((segment, index) => fitsSegment(segment, given[index] as string))
  );
}

function fitsSegment(pattern: string, text: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) {
    return pattern === text;
  }
  return text.length > before.length + after.length && text.startsWith(before) && text.endsWith(after);
}

/** What is invalid about a pattern, or undefined. */
export function findPatternFault(pattern: string): string | undefined {
  const placeholder = findPlaceholder(pattern);
  if (placeholder !== undefined) {
    return `'${placeholder}' is a placeholder; write your own name instead`;
  }
  return toSegments(pattern).some((segment) => segment.split('*').length > 2)
    ? 'a segment (the text between : and /) may have at most one *'
    : undefined;
}

/** Whether a pattern requires more than a number of segments. */
export function hasContent(pattern: string): boolean {
  return /[\p{L}\p{N}]/u.test(pattern);
}

/** The segments with the characters between them. */
function toSegments(text: string): string[] {
  return text.split(/([:/])/);
}

/**
 * The path to a claim. A name that starts with `/` is a JSON Pointer, such as `/kubernetes.io/serviceaccount/name`; any
 * other is the name of one claim, including dots and slashes. Undefined for an invalid pointer.
 */
export function parseClaimPath(name: string): readonly string[] | undefined {
  if (!name.startsWith('/')) {
    return [name];
  }
  if (/~(?![01])/.test(name)) {
    return undefined;
  }
  const steps = name.slice(1).split('/');
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The claim at a path from `parseClaimPath`; undefined if it is missing or not text. Lists are not entered. */
export function findTextClaim(claims: Readonly<Record<string, unknown>>, path: readonly string[]): string | undefined {
  let found: unknown = claims;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || Array.isArray(found) || !Object.hasOwn(found, step)) {
      return undefined;
    }
    found = (found as Record<string, unknown>)[step];
  }
  return typeof found === 'string' ? found : undefined;
}
