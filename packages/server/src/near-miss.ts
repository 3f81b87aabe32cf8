/** Finds the name that somebody meant who misspelled it. */
import { closest, distance } from 'fastest-levenshtein';

/** Letters that may be missing, added or wrong, but no more than one of four: in short names every letter counts. */
const mostWrong = 2;

/** Returns the known name that differs from `name` in a letter or two. Undefined: none does, or `name` is one of them. */
export function findNearMiss(name: string, known: readonly string[]): string | undefined {
  // Each letter more or less is one that is wrong, and a start compares all variables of its environment.
  const alike = known.filter(({ length }) => Math.abs(length - name.length) <= mostWrong);
  if (alike.length === 0) {
    return undefined;
  }
  const nearest = closest(name, alike);
  const wrong = distance(name, nearest);
  return wrong > 0 && wrong <= Math.min(mostWrong, name.length / 4) ? nearest : undefined;
}
