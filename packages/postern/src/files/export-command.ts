/** `postern export`: writes what a server has as a file that `postern plan` finds no difference to. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { stringify } from 'yaml';
import { usageError } from '../command/command-error.ts';
import { collect } from '../command/option-values.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { note, wantsJson } from '../output/output.ts';
import { allKinds } from './kinds/all-kinds.ts';
import type { JsonObject } from './kinds/file-kind.ts';

type Exported = Readonly<Record<string, readonly JsonObject[]>>;

const sections = allKinds.map(({ section }) => section);

export function exportCommand(): Command {
  return serverVerb('export', 'Write what the server has as a YAML file for plan and apply. Secrets are not in it.', [
    ['export > postern.yaml', 'all that files can have'],
    ['export --section clients,resources --out postern.yaml', 'some sections, to a new file'],
  ])
    .addOption(
      new Option(
        '--section <section>',
        `section to write; repeatable; default: all of ${sections.join(', ')}`,
      ).argParser(collect),
    )
    .option('--out <file>', 'new file to write to; default: standard output')
    .action(exportAll);
}

async function exportAll(_options: unknown, command: Command): Promise<void> {
  const { section: wanted = sections, out } = command.opts<{ section?: string[]; out?: string }>();
  const unknown = wanted.find((name) => !sections.includes(name));
  if (unknown !== undefined) {
    throw usageError(`there is no section ${unknown}. Sections: ${sections.join(', ')}.`);
  }
  const connection = await connect(command);
  const exported = await readSections(connection, wanted);
  const text = wantsJson(command) ? `${JSON.stringify(exported, null, 2)}\n` : toYaml(exported, connection.server);
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  const file = await create(out);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  note(command, `Written to ${out}. Compare it with the server: postern plan ${out}`);
}

/** Leaves out sections without entries, in which `apply --prune` would delete everything that is created later. */
async function readSections(connection: ServerConnection, wanted: readonly string[]): Promise<Exported> {
  const exported: Record<string, readonly JsonObject[]> = {};
  for (const kind of allKinds.filter(({ section }) => wanted.includes(section))) {
    const entries = await kind.read(connection, undefined);
    if (entries.length > 0) {
      exported[kind.section] = entries.map((entry) => kind.toEntry(entry as JsonObject));
    }
  }
  return exported;
}

function toYaml(exported: Exported, server: string): string {
  const head = `# What ${server} has, without secrets. Written by: postern export\n`;
  // An alias would tie parts together that happen to be equal.
  return head + stringify(exported, { aliasDuplicateObjects: false, lineWidth: 0 });
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageError(
      code === 'EEXIST' ? `${path} already exists. Name another file.` : `cannot write ${path} (${code}).`,
    );
  }
}
