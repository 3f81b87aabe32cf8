/** How a rule names a claim, and says what it must be. JSON Pointer: RFC 6901. */

/**
 * Whether a claim fits. Without `*` it must be equal, character by character. A `*` stands for one or more characters
 * of one segment, where `:` and `/` part the segments: it never reaches over them, so that `repo:org/*` is about the
 * repositories of `org` and neither about those of `org-evil` nor about what follows the repository.
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

/** What is wrong with a pattern, or undefined. */
export function findPatternFault(pattern: string): string | undefined {
  return toSegments(pattern).some((segment) => segment.split('*').length > 2)
    ? 'a segment (what stands between : and /) may have one * at the most'
    : undefined;
}

/** True where a pattern says more than how many segments there are. */
export function hasContent(pattern: string): boolean {
  return /[\p{L}\p{N}]/u.test(pattern);
}

/** The segments with the characters between them. */
function toSegments(text: string): string[] {
  return text.split(/([:/])/);
}

/**
 * The steps to a claim: a JSON Pointer where the name starts with `/`, as in `/kubernetes.io/serviceaccount/name`, and
 * else the one claim of exactly that name, dots and slashes included. Undefined for a pointer that is none.
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

/** The claim at the end of a path of `parseClaimPath`; undefined where it is missing or no text. Lists are not entered. */
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
