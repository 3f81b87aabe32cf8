/** Regular expressions in registered schemas: only such as cannot hang the server. RFC 9396 §12, CWE-1333. */

/** A character, an escaped one, a class: never a group, an alternative, a reference or a look around. */
const atom = String.raw`(?:\\[dDwWsS.^$|?*+()[\]{}\/\\]|\[\^?(?:[^\\[\]]|\\.)+\]|[^\\^$|?*+()[\]{}])`;
const quantifier = String.raw`(?:[?*+]|\{\d{1,3}(?:,\d{0,3})?\})`;
const wholePattern = new RegExp(`^\\^(?:${atom}${quantifier}?)*\\$$`);
const eachAtom = new RegExp(`(${atom})(${quantifier}?)`, 'g');

const longestPattern = 200;

/**
 * How many ways the pattern may have to try on a string of `stringLength` characters, or undefined where it is not
 * one of the plain sequences that are allowed: `^`, then characters and classes with or without a count, then `$`.
 * Without groups a match tries each length of each part against each of the others, so the ways are a product.
 */
export function costOfPattern(pattern: string, stringLength: number): number | undefined {
  if (pattern.length > longestPattern || !wholePattern.test(pattern)) {
    return undefined;
  }
  const counts = [...pattern.slice(1, -1).matchAll(eachAtom)].map((match) => match[2] ?? '');
  return counts.reduce((cost, count) => cost * lengthsOf(count, stringLength), 1);
}

/** How many lengths a part with this count can have. */
function lengthsOf(count: string, stringLength: number): number {
  if (count === '') {
    return 1;
  }
  if (count === '?') {
    return 2;
  }
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}$/.exec(count) ?? [];
  if (least === undefined || (comma === ',' && most === '')) {
    return stringLength;
  }
  return comma === '' ? 1 : Math.max(1, Number(most) - Number(least) + 1);
}
