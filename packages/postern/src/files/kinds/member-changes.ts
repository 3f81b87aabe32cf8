/** Differences between two objects, member by member. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, MemberChange } from './file-kind.ts';

export function findChanges(before: JsonObject, after: JsonObject): MemberChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}

/** An array whose order and repetitions mean nothing, in one form. Other values stay as they are. */
export function sortSet(value: unknown): unknown {
  return Array.isArray(value) ? [...new Set<unknown>(value)].toSorted() : value;
}
