/** Which names that a caller sent an error may repeat. */

/**
 * Words of at most 20 letters and a digit at the end, between `:`, `.`, `_`, `/`, `-` and `$`. A capital letter begins a
 * part of a word, as in `minLength`.
 */
const nameLike = /^[:._/$-]*(?:[a-z]{1,20}(?:[A-Z][a-z]{1,12}){0,2}\d?(?:[:._/$-]+|$))*$/;

const longestShown = 60;

/**
 * The name if it reads like one, such as `policy:read`, else `(not shown)`: a caller may put a secret in the wrong place,
 * and no error and no log may repeat it. A secret has letters, capitals and digits in any order, so it does not read like a name.
 *
 * Only for names of what the management APIs manage: an endpoint that takes credentials repeats nothing but names that it knows.
 */
export function showName(text: string): string {
  return text.length <= longestShown && nameLike.test(text) ? text : '(not shown)';
}
