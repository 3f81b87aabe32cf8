/** Reads files and directories of them, checks them, and puts them together. Nothing is sent before all are right. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandError, usageError } from '../command/command-error.ts';
import { readInput } from '../input/read-input.ts';
import { findSchemaFaults } from './check-schema.ts';
import { type Declared, type Entry, idMember, idOf, nounOf, type Section, sections, type Thing } from './declared.ts';
import { type Fault, formatPlace, parseSource, type Source } from './yaml-source.ts';

/** Faults that are told of at once. */
const mostFaults = 10;

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
    const read = parseSource(file === '-' ? 'standard input' : file, await readInput(file));
    const found = [...read.faults];
    if (found.length === 0) {
      found.push(
        ...findSchemaFaults(read.source.value).map(({ path, text }) => ({
          place: read.source.placeOf(path),
          text: [nameOf(path), text].filter((part) => part !== '').join(': '),
        })),
      );
    }
    faults.push(...found);
    sources.push(read.source);
  }
  if (faults.length > 0) {
    throw faultError(faults);
  }
  const declared = merge(sources);
  const duplicates = findDuplicates(declared);
  if (duplicates.length > 0) {
    throw faultError(duplicates);
  }
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
    throw usageError(`${path} holds no files that end in .yaml, .yml or .json.`);
  }
  return files;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // That it cannot be read is said where it is read.
    return false;
  }
}

function merge(sources: readonly Source[]): Declared {
  const declared: { [Name in Section]?: Entry[] } = {};
  for (const { value, placeOf } of sources) {
    const file = value as { readonly [Name in Section]?: readonly Thing[] };
    for (const section of sections) {
      const entries = file[section]?.map((one, index) => ({
        value: one,
        placeOf: (path: readonly (string | number)[]) => placeOf([section, index, ...path]),
      }));
      if (entries !== undefined) {
        declared[section] = [...(declared[section] ?? []), ...entries];
      }
    }
  }
  return declared;
}

/** Entries, rules and targets that are there twice: one would silently take the place of the other. */
function findDuplicates(declared: Declared): Fault[] {
  const faults: Fault[] = [];
  const first = new Map<string, string>();
  const note = (name: string, entry: Entry, path: readonly (string | number)[]) => {
    const place = entry.placeOf(path);
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, formatPlace(place));
    } else {
      faults.push({ place, text: `the ${name} is there twice; the first is at ${before}` });
    }
  };
  for (const section of sections) {
    for (const entry of declared[section] ?? []) {
      note(`${nounOf[section]} ${idOf(section, entry.value)}`, entry, [idMember[section]]);
    }
  }
  for (const entry of declared.policies ?? []) {
    const { rules = [] } = entry.value as { rules?: readonly { key: string; targets?: readonly Thing[] }[] };
    for (const [index, { key, targets = [] }] of rules.entries()) {
      note(`rule ${key}`, entry, ['rules', index, 'key']);
      for (const [number, { data_category }] of targets.entries()) {
        note(`target ${data_category} of the rule ${key}`, entry, ['rules', index, 'targets', number]);
      }
    }
  }
  return faults;
}

/** The section, or the member of an entry without the place of the entry in its list, which says nothing to people. */
function nameOf(path: readonly (string | number)[]): string {
  return path
    .slice(path.length > 1 ? 2 : 0)
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

function faultError(faults: readonly Fault[]): CommandError {
  const shown = faults.slice(0, mostFaults).map(({ place, text }) => `${formatPlace(place)}: ${text}.`);
  const more = faults.length - shown.length;
  return usageError([...shown, ...(more > 0 ? [`And ${more} more.`] : []), 'Nothing was done.'].join(' '));
}
