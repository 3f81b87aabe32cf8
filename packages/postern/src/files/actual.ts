/** What the server has of the kinds that files speak of. */
import type { ServerConnection } from '../connection/server-connection.ts';
import { type Declared, idOf } from './declared.ts';
import type { FileKind, JsonObject } from './kinds/file-kind.ts';

/** By kind and id. */
export type Actual = ReadonlyMap<FileKind, ReadonlyMap<string, JsonObject>>;

/** With `all`, entries that no file has are read too. */
export async function readActual(connection: ServerConnection, declared: Declared, all: boolean): Promise<Actual> {
  const actual = new Map<FileKind, ReadonlyMap<string, JsonObject>>();
  for (const [kind, entries] of declared) {
    const ids = all ? undefined : entries.map(({ value }) => idOf(kind, value));
    const existing = await kind.read(connection, ids);
    actual.set(kind, new Map(existing.map((one) => [idOf(kind, one), one as JsonObject])));
  }
  return actual;
}
