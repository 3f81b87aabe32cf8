/** Keys name policies, rules, targets and storage destinations in URLs. */
import { keyText } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';

/** Characters of a key. The HTTP server must take path parameters of this length. */
export const longestKey = 200;

export const Key = keyText(longestKey);

/**
 * Derives the key of something that was sent without one from its name: in snake case, letters without their accents.
 * Throws `invalid_parameter` if that leaves nothing, or too much.
 */
export function deriveKey(name: string): string {
  const key = name
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  if (key === '' || key.length > longestKey) {
    throw new OAuthError('invalid_parameter', `name: no key can be derived from it; send one as key.`);
  }
  return key;
}
