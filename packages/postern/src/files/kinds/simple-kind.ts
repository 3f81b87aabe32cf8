/** A kind whose entries are listed by one operation and saved by one. */
import { isDeepStrictEqual } from 'node:util';
import type { Change, Page, Read } from '@postern/admin';
import schema from '../postern.schema.json' with { type: 'json' };
import type { FileKind, JsonObject, MemberChange } from './file-kind.ts';
import { findChanges, sortSet } from './member-changes.ts';

export interface SimpleKindOptions extends Pick<FileKind, 'section' | 'noun' | 'idMember' | 'deleted'> {
  /** The operations of the management API on its entries. */
  readonly operations: {
    list(): Read<Page<object>> | Read<object[]>;
    /** Takes what the schema of files allows, which is checked before. */
    save(wanted: never): Change<unknown>;
    delete(id: string): Change<unknown>;
  };
  /** The values of members that are left out. Default: null. */
  readonly defaults?: JsonObject;
  /** Members that are lists whose order means nothing. */
  readonly sets?: readonly string[];
  /** Brings other members into one form, whichever way they are written. */
  readonly normalize?: (entry: JsonObject) => JsonObject;
}

/** Saves an entry by sending all of it. */
export function simpleKind(options: SimpleKindOptions): FileKind {
  const {
    section,
    noun,
    idMember,
    deleted,
    operations,
    defaults = {},
    sets = [],
    normalize = (entry) => entry,
  } = options;

  /** The API answers with more, such as when an entry was created. */
  const fileMembers = new Set(
    Object.keys(
      (schema.properties as Record<string, { items: { properties: object } }>)[section]?.items.properties ?? {},
    ),
  );

  const membersOf = (entry: JsonObject | undefined): JsonObject =>
    Object.fromEntries(
      Object.entries(entry === undefined ? {} : normalize(entry))
        .filter(([name]) => name !== idMember && fileMembers.has(name))
        .map(([name, value]): [string, unknown] => [name, sets.includes(name) ? sortSet(value) : value])
        .filter(([name, value]) => value !== null && !isDeepStrictEqual(value, defaults[name])),
    );

  return {
    section,
    noun,
    idMember,
    deleted,
    // Those that are built in are not of the installation.
    read: async ({ admin }) =>
      (await admin.all(operations.list() as Read<Page<object>>)).filter(
        ({ origin = 'own' }: { readonly origin?: string }) => origin === 'own',
      ),
    compare: (wanted, actual) => findChanges(membersOf(actual), membersOf(wanted)),
    save: (wanted) => [[{ operation: operations.save(wanted as never), path: [] }]],
    delete: (id) => operations.delete(id),
    toEntry: (actual) => ({ [idMember]: actual[idMember], ...membersOf(actual) }),
  };
}

/** The changed members with the values that they are to have. */
export function changedMembers(changes: readonly MemberChange[], defaults: JsonObject): JsonObject {
  return Object.fromEntries(changes.map(({ name, after }) => [name, after ?? defaults[name] ?? null]));
}
