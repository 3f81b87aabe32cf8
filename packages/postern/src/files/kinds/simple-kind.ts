/** A kind whose entries are listed at one path and saved by one call. */
import { isDeepStrictEqual } from 'node:util';
import { path } from '../../connection/path.ts';
import type { FileKind, JsonObject, MemberChange } from './file-kind.ts';
import { findChanges, sortSet } from './member-changes.ts';

export interface SimpleKindOptions extends Pick<FileKind, 'section' | 'noun' | 'idMember' | 'deleted'> {
  /** Where its entries are listed and put, and below which each is deleted by its id. */
  readonly url: string;
  /** The values of members that are left out. Default: null. */
  readonly defaults?: JsonObject;
  /** Members that are lists whose order means nothing. */
  readonly sets?: readonly string[];
  /** Brings other members into one form, whichever way they are written. */
  readonly normalize?: (entry: JsonObject) => JsonObject;
}

/** Members that the API answers with and files do not have. */
const readOnlyMembers = new Set(['created_at', 'updated_at', 'administrative', 'origin']);

/** Saves an entry by a `PUT` of all of it. */
export function simpleKind(options: SimpleKindOptions): FileKind {
  const { section, noun, idMember, deleted, url, defaults = {}, sets = [], normalize = (entry) => entry } = options;

  const membersOf = (entry: JsonObject | undefined): JsonObject =>
    Object.fromEntries(
      Object.entries(entry === undefined ? {} : normalize(entry))
        .filter(([name]) => name !== idMember && !readOnlyMembers.has(name))
        .map(([name, value]): [string, unknown] => [name, sets.includes(name) ? sortSet(value) : value])
        .filter(([name, value]) => value !== null && !isDeepStrictEqual(value, defaults[name])),
    );

  return {
    section,
    noun,
    idMember,
    deleted,
    read: (api) => api.listAll<object>(url),
    compare: (wanted, actual) => findChanges(membersOf(actual), membersOf(wanted)),
    save: (wanted) => [[{ operation: { method: 'PUT', path: url, body: wanted }, path: [] }]],
    delete: (id) => ({ method: 'DELETE', path: url + path`/${id}` }),
  };
}

/** The changed members with the values that they are to have. */
export function changedMembers(changes: readonly MemberChange[], defaults: JsonObject): JsonObject {
  return Object.fromEntries(changes.map(({ name, after }) => [name, after ?? defaults[name] ?? null]));
}
