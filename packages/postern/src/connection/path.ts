/** Paths with ids in them. */
import { usageError } from '../command/command-error.ts';

/** Each id as one part of a path. Throws `CommandError` for an id that would lead to another place. */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  for (const id of ids) {
    if (id === '' || id === '.' || id === '..') {
      throw usageError(`"${id}" is not an id.`);
    }
  }
  return String.raw({ raw: parts }, ...ids.map(encodeURIComponent));
}
