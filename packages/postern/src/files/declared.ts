/** What files say that a server should have: the entries of all files together, each with its place. */
import type { FileKind, JsonObject, Step } from './kinds/file-kind.ts';
import type { Place } from './yaml-source.ts';

export interface Entry {
  readonly value: JsonObject;
  /** Where a part of it is; with no steps, the entry itself. */
  placeOf(path: readonly Step[]): Place;
}

/** By kind, in the order of `allKinds`. A kind whose section no file has is missing: the files say nothing about it. */
export type Declared = ReadonlyMap<FileKind, readonly Entry[]>;

export function idOf({ idMember }: FileKind, value: object): string {
  return String((value as JsonObject)[idMember]);
}
