/** Keys: the names by which policies, rules, targets and storage destinations stand in URLs. */
import { OAuthError } from '@postern/protocol';

/** Characters of a key. The HTTP server must take path parameters of this length. */
export const longestKey = 200;

/** `.` and `..` are left out: a URL with them as a step of its path means another one. */
export const keyPattern = '^(?!\\.{1,2}$)[A-Za-z0-9_.-]+$';

/**
 * The key of a thing that came with a name only: the name in snake case, letters without their accents.
 * Throws `invalid_parameter` where the name holds nothing that a key can.
 */
export function deriveKey(name: string): string {
  const key = name
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  if (key === '' || key.length > longestKey) {
    throw new OAuthError('invalid_parameter', `name: no key can be derived from ${name}; send one as key.`);
  }
  return key;
}
