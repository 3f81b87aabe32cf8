/** What plan and apply need to know of one kind of entry in files: how it is read, compared, saved and deleted. */
import type { Change } from '@postern/admin';
import type { ServerConnection } from '../../connection/server-connection.ts';

/** An object with the members that the API gives it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A step into an object or an array. */
export type Step = string | number;

export interface FileKind {
  /** The name of the section that has its entries. */
  readonly section: string;
  /** What one entry is called in plans and errors, such as "client". */
  readonly noun: string;
  /** The member that identifies an entry within its section. */
  readonly idMember: string;
  /**
   * `before` anything is created or changed: its entries have a unique member beside their id, which a new entry may take
   * over. `after` it: others may refer to its entries until they are changed themselves.
   */
  readonly deleted: 'before' | 'after';
  /** What the server has. Entries whose ids are not in `ids` may be left out; without `ids`, none is. */
  read(connection: ServerConnection, ids: readonly string[] | undefined): Promise<readonly object[]>;
  /** The members that differ; of a new entry, all that are not at their defaults. */
  compare(wanted: JsonObject, actual: JsonObject | undefined): readonly MemberChange[];
  /**
   * The calls that create an entry, or change what `compare` found, in stages: the calls of a stage are made for all
   * entries before those of the next stage.
   */
  save(
    wanted: JsonObject,
    actual: JsonObject | undefined,
    changes: readonly MemberChange[],
  ): readonly (readonly SaveCall[])[];
  delete(id: string): Change<unknown>;
  /** Whether the entry must stay although no file has it. Default: no. */
  isProtected?(id: string, ownClientId: string): boolean;
  /** Whether creating the entry answers with a new client secret. Default: no. */
  getsSecret?(wanted: JsonObject): boolean;
  /** Members of an existing entry that the server does not show, so that `save` sends them always. Default: none. */
  hiddenMembers?(wanted: JsonObject, actual: JsonObject): readonly string[];
  /**
   * What happens to tokens, in a sentence for each consequence, if the entry changes by `changes`, or is deleted if these are
   * undefined. Default: nothing.
   */
  tokenConsequences?(before: JsonObject, changes: readonly MemberChange[] | undefined): readonly string[];
  /** The entry as files have it, such that `compare` finds no difference. */
  toEntry(actual: JsonObject): JsonObject;
  /** Parts of an entry of which each name may appear only once in all files. Default: none. */
  namedParts?(wanted: JsonObject): readonly { readonly name: string; readonly path: readonly Step[] }[];
}

/** A member of an entry that is to change. */
export interface MemberChange {
  readonly name: string;
  /** Undefined if the member is at its default, or the entry is new. */
  readonly before: unknown;
  /** Undefined if the member is to be at its default. */
  readonly after: unknown;
}

export interface SaveCall {
  readonly operation: Change<unknown>;
  /** The part of the entry that asks for the call; no steps for the entry itself. */
  readonly path: readonly Step[];
}

/** The id of an entry, with its name if it has another one. */
export function nameWithId({ name, ...entry }: JsonObject, idMember: string): string {
  const id = String(entry[idMember] ?? name);
  return typeof name === 'string' && name !== id ? `${id} (${name})` : id;
}
