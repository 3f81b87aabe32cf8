/** `postern import fides`: keeps ids and scopes, and creates new secrets, since the old ones cannot be read. */
import { operations } from '@postern/admin';
import type { Command } from 'commander';
import { keepSecrets } from '../batch/secrets-file.ts';
import { sendBatch } from '../batch/send-batch.ts';
import { usageError } from '../command/command-error.ts';
import { collect } from '../command/option-values.ts';
import { parseServerUrl } from '../connection/server-url.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { readSecret } from '../input/read-input.ts';
import { note, print, wantsJson } from '../output/output.ts';
import type { FidesClient } from './fides-client.ts';
import { formatImport } from './format-import.ts';
import { type ImportPlan, importOperations, planImport } from './plan-import.ts';
import { readFromApi } from './read-api.ts';

interface ImportOptions {
  readonly databaseUrl?: string;
  readonly api?: string;
  readonly apiClientId?: string;
  readonly apiSecretFile?: string;
  readonly only?: string[];
  readonly registerScopes?: true;
  readonly secretsOut?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

export function importFidesCommand(): Command {
  return serverVerb('fides', 'Import the clients of Fides or Fidesops, from its database or its API.', [
    [
      'import fides --database-url postgres://fides@db.example.com/fides --dry-run',
      'show what would be imported; PGPASSWORD is set',
    ],
    [
      'import fides --database-url postgres://fides@db.example.com/fides --register-scopes --secrets-out secrets.json',
      'all clients, and the scopes that Postern does not have',
    ],
    [
      'import fides --api https://fides.example.com --api-client-id fidesadmin --api-secret-file fides.secret --dry-run',
      'through its API',
    ],
  ])
    .option('--database-url <url>', 'URL of its PostgreSQL database, without the password, which is in PGPASSWORD')
    .option('--api <url>', 'base URL of Fides, to read from its API')
    .option('--api-client-id <id>', 'with --api: client of Fides with client:read, such as its root client')
    .option('--api-secret-file <file>', 'with --api: file with the secret of that client, - for standard input')
    .option('--only <id>', 'import only this client; repeatable', collect)
    .option('--register-scopes', 'create the scopes that Postern does not have; without it, clients lose them')
    .option('--secrets-out <file>', 'new file for the new secrets, as JSON')
    .option('--dry-run', 'show what would be imported, and change nothing')
    .option('--yes', 'import without asking')
    .action(importFides);
}

async function importFides(_options: unknown, command: Command): Promise<void> {
  const options = command.opts<ImportOptions>();
  const { only = [], registerScopes, secretsOut, dryRun, yes } = options;
  requireOneSource(options);
  const connection = await connect(command);
  const found = await readClients(options, only);
  const plan = planImport(found, {
    scopes: await connection.admin.all(operations.scopes.list()),
    existing: new Set([
      connection.clientId,
      ...(await connection.all(operations.clients.list(), 'clients read')).map(({ client_id }) => client_id),
    ]),
    only,
    registerScopes: registerScopes === true,
  });
  if (!wantsJson(command)) {
    process.stdout.write(formatImport(plan));
  }
  if (dryRun || plan.clients.length === 0) {
    print(command, report(plan, false), () => '');
    return;
  }
  if (secretsOut === undefined) {
    throw usageError('the clients get new secrets. Name a file for them: --secrets-out FILE');
  }
  await confirm(`This creates ${plan.clients.length} clients on ${connection.server}.`, yes);
  await keepSecrets(secretsOut, () => sendBatch(connection.admin, importOperations(plan)));
  print(command, report(plan, true), () => '');
  note(command, `Done. The new secrets are in ${secretsOut}: give each program its own.`);
}

function requireOneSource({ databaseUrl, api, apiClientId, apiSecretFile }: ImportOptions): void {
  if ((databaseUrl === undefined) === (api === undefined)) {
    throw usageError('name one source of clients: --database-url or --api.');
  }
  if (api !== undefined && (apiClientId === undefined || apiSecretFile === undefined)) {
    throw usageError('--api needs --api-client-id and --api-secret-file, to sign in to Fides.');
  }
}

/** The database driver is loaded only if it is needed. */
async function readClients(options: ImportOptions, only: readonly string[]): Promise<FidesClient[]> {
  const { databaseUrl, api, apiClientId, apiSecretFile } = options;
  if (databaseUrl !== undefined) {
    const { readFromDatabase } = await import('./read-database.ts');
    return readFromDatabase(databaseUrl);
  }
  return readFromApi(
    {
      url: parseServerUrl(api as string, process.env),
      clientId: apiClientId as string,
      clientSecret: await readSecret(apiSecretFile as string),
    },
    only,
  );
}

function report({ clients, skipped, newScopes, lostScopes }: ImportPlan, imported: boolean) {
  return { imported, clients, skipped, new_scopes: newScopes, lost_scopes: lostScopes };
}
