/** One verb of `postern import`: shows what would be imported, and imports it in one change. */
import { operations } from '@postern/admin';
import type { Command } from 'commander';
import { keepSecrets } from '../batch/secrets-file.ts';
import { sendBatch } from '../batch/send-batch.ts';
import { usageError } from '../command/command-error.ts';
import { collect } from '../command/option-values.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { note, print, wantsJson } from '../output/output.ts';
import { formatImport } from './format-import.ts';
import { type ImportPlan, planImport } from './plan-import.ts';
import type { SourceClient } from './source-client.ts';
import type { Source, SourceOptions } from './sources.ts';

interface ImportOptions extends SourceOptions {
  readonly registerScopes?: true;
  readonly registerResources?: true;
  readonly secretsOut?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

export function importVerb(source: Source): Command {
  return source
    .options(serverVerb(source.name, source.summary, source.examples))
    .option('--only <id>', 'import only this client; repeatable', collect)
    .option('--register-scopes', 'create the scopes that Postern does not have; without it, clients lose them')
    .option('--register-resources', 'create resources for audiences that are URIs; without it, clients lose them')
    .option('--secrets-out <file>', 'new file for the secrets of clients whose own cannot be imported, as JSON')
    .option('--dry-run', 'show what would be imported, and change nothing')
    .option('--yes', 'import without asking')
    .action((_options: unknown, command: Command) => importClients(source, command));
}

async function importClients(source: Source, command: Command): Promise<void> {
  const options = command.opts<ImportOptions>();
  const { only = [], registerScopes, registerResources, secretsOut, dryRun, yes } = options;
  const read = requireOnePlace(source, options);
  const connection = await connect(command);
  const found = await read(options);
  const { plan, changes } = planImport(found, {
    source: source.title,
    sharesScopes: source.sharesScopes === true,
    scopes: await connection.admin.all(operations.scopes.list()),
    resources: found.some(({ audiences }) => audiences.length > 0)
      ? await connection.admin.all(operations.resources.list())
      : [],
    existing: new Set([
      connection.clientId,
      ...(await connection.all(operations.clients.list(), 'clients read')).map(({ client_id }) => client_id),
    ]),
    only,
    registerScopes: registerScopes === true,
    registerResources: registerResources === true,
  });
  if (!wantsJson(command)) {
    process.stdout.write(formatImport(plan));
  }
  if (dryRun || plan.clients.length === 0) {
    print(command, report(plan, false), () => '');
    return;
  }
  const renewed = plan.clients.filter(({ credential }) => credential === 'new').length;
  if (renewed > 0 && secretsOut === undefined) {
    throw usageError(`clients that get new secrets: ${renewed}. Name a file for the secrets: --secrets-out FILE`);
  }
  await confirm(`This creates ${plan.clients.length} clients on ${connection.server}.`, yes);
  await keepSecrets(renewed > 0 ? secretsOut : undefined, () => sendBatch(connection.admin, changes));
  print(command, report(plan, true), () => '');
  note(
    command,
    renewed === 0
      ? 'Done. All clients keep their secrets: their callers need only the new address.'
      : `Done. The new secrets are in ${secretsOut}: give each of these programs its own.`,
  );
}

function requireOnePlace(
  { places }: Source,
  options: SourceOptions,
): (options: SourceOptions) => Promise<SourceClient[]> {
  const named = Object.entries(places).filter(([place]) => options[place as keyof typeof places] !== undefined);
  const [[, read] = []] = named;
  if (read === undefined || named.length > 1) {
    const flags = { databaseUrl: '--database-url', file: '--file', api: '--api' };
    const choices = Object.keys(places).map((place) => flags[place as keyof typeof places]);
    throw usageError(`name one source of clients: ${choices.join(' or ')}.`);
  }
  return read;
}

function report(plan: ImportPlan, imported: boolean) {
  return {
    imported,
    clients: plan.clients,
    skipped: plan.skipped,
    new_scopes: plan.newScopes,
    new_resources: plan.newResources,
    lost_scopes: plan.lostScopes,
    lost_audiences: plan.lostAudiences,
  };
}
