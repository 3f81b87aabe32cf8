/** The grammar of scope. RFC 6749 §3.3: tokens of %x21 / %x23-5B / %x5D-7E, single spaces between them. */
import { OAuthError } from './oauth-error.ts';

const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether `text` is one scope name. */
export function isScopeToken(text: string): boolean {
  return scopeToken.test(text);
}

const scopeList = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** Reads the names in a scope claim or an answer, in order; undefined if it breaks the grammar. '' has none. */
export function readScope(text: string): string[] | undefined {
  if (text === '') {
    return [];
  }
  return scopeList.test(text) ? text.split(' ') : undefined;
}

/**
 * The names in a scope parameter, each once, in the order asked for.
 * Throws `invalid_scope` if the text breaks the grammar; whether a scope exists is not checked here.
 */
export function parseScope(text: string): string[] {
  const names = text.split(' ');
  for (const name of names) {
    if (!isScopeToken(name)) {
      throw new OAuthError(
        'invalid_scope',
        name === ''
          ? 'The scope parameter must have names with exactly one space between them.'
          : 'The scope parameter has a character that is not allowed.',
      );
    }
  }
  return [...new Set(names)];
}

/** What the names of scopes about the same things begin with: up to the first `:` or `.`, or all of a name without either. */
export function scopeFamily(name: string): string {
  return /^[^:.]*[:.]/.exec(name)?.[0] ?? name;
}
