/** Reads files and directories of files, checks them, and merges them. Nothing is sent before all are valid. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../command/command-error.ts';
import { readInput } from '../input/read-input.ts';
import { createSchemaCheck } from './check-schema.ts';
import { type Declared, type Entry, idOf } from './declared.ts';
import { allKinds } from './kinds/all-kinds.ts';
import type { FileKind, JsonObject, Step } from './kinds/file-kind.ts';
import schema from './postern.schema.json' with { type: 'json' };
import {
  describeFaults,
  type Fault,
  formatPlace,
  formatSteps,
  type Place,
  parseSource,
  type Source,
} from './yaml-source.ts';

const findSchemaFaults = createSchemaCheck(schema);

/** What is read of the schema to find its objects. */
interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly items?: SchemaPart;
  readonly patternProperties?: object;
}

const sectionSchemas = schema.properties as unknown as Readonly<Record<string, SchemaPart>>;

/** Each path is a file, a directory of files, or `-` for standard input. Throws `CommandError` with the places of faults. */
export async function readFiles(paths: readonly string[]): Promise<Declared> {
  const files = new Set<string>();
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      files.add(file);
    }
  }
  const sources: Source[] = [];
  const faults: Fault[] = [];
  for (const file of files) {
    const { source, faults: syntaxFaults } = parseSource(file === '-' ? 'standard input' : file, await readInput(file));
    sources.push(source);
    faults.push(...(syntaxFaults.length > 0 ? syntaxFaults : locateSchemaFaults(source)));
  }
  requireNone(faults);
  const declared = merge(sources);
  requireNone(findDuplicates(declared));
  return declared;
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (path === '-' || !(await isDirectory(path))) {
    return [path];
  }
  const names = await readdir(path, { recursive: true });
  const files = names
    .filter((name) => /\.(ya?ml|json)$/i.test(name) && !/(^|[/\\])\./.test(name))
    .toSorted()
    .map((name) => join(path, name));
  if (files.length === 0) {
    throw usageError(`${path} has no files that end in .yaml, .yml or .json.`);
  }
  return files;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Reading the file reports why it cannot be read.
    return false;
  }
}

function locateSchemaFaults({ value, placeOf }: Source): Fault[] {
  return findSchemaFaults(value).map(({ path, text }) => ({
    place: placeOf(path),
    text: [nameOf(path), text].filter((part) => part !== '').join(': '),
  }));
}

function merge(sources: readonly Source[]): Declared {
  const declared = new Map<FileKind, readonly Entry[]>();
  for (const kind of allKinds) {
    const { section } = kind;
    const sections = sources.flatMap(({ value, placeOf }) => {
      const values = (value as { readonly [section: string]: readonly JsonObject[] })[section];
      const toEntry = (one: JsonObject, index: number): Entry => ({
        value: withoutOwnMembers(one, sectionSchemas[section]?.items) as JsonObject,
        placeOf: (path) => placeOf([section, index, ...path]),
      });
      return values === undefined ? [] : [values.map(toEntry)];
    });
    if (sections.length > 0) {
      declared.set(kind, sections.flat());
    }
  }
  return declared;
}

/** The entry without the members that files have for themselves, whose names begin with `x-`: where the schema allows them. */
function withoutOwnMembers(value: unknown, schema: SchemaPart = {}): unknown {
  if (Array.isArray(value)) {
    return value.map((one) => withoutOwnMembers(one, schema.items));
  }
  if (typeof value !== 'object' || value === null || schema.patternProperties === undefined) {
    return value;
  }
  const members = Object.entries(value).filter(([name]) => !name.startsWith('x-'));
  return Object.fromEntries(members.map(([name, one]) => [name, withoutOwnMembers(one, schema.properties?.[name])]));
}

/** Entries, and named parts of them, that appear twice: one would silently replace the other. */
function findDuplicates(declared: Declared): Fault[] {
  const faults: Fault[] = [];
  const first = new Map<string, string>();
  const record = (name: string, place: Place) => {
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, formatPlace(place));
    } else {
      faults.push({ place, text: `duplicate ${name}; the first is at ${before}` });
    }
  };
  for (const [kind, entries] of declared) {
    for (const { value, placeOf } of entries) {
      record(`${kind.noun} ${idOf(kind, value)}`, placeOf([kind.idMember]));
      for (const { name, path } of kind.namedParts?.(value) ?? []) {
        record(name, placeOf(path));
      }
    }
  }
  return faults;
}

/** Returns the name of the section, or of the member in its entry, without the position of the entry, which `place` shows. */
function nameOf(path: readonly Step[]): string {
  return formatSteps(path.slice(path.length > 1 ? 2 : 0));
}

function requireNone(faults: readonly Fault[]): void {
  if (faults.length > 0) {
    throw usageError(`${describeFaults(faults)} Nothing was changed.`);
  }
}
