/** Builds URL paths that contain ids. */
import { usageError } from '../command/command-error.ts';

/** Encodes each id as one segment. Throws `CommandError` for an id that would lead to another path. */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  for (const id of ids) {
    if (id === '' || id === '.' || id === '..') {
      throw usageError(`"${id}" is not a valid id.`);
    }
  }
  return String.raw({ raw: parts }, ...ids.map(encodeURIComponent));
}
