/** `postern issuer`: the trusted issuers of workload tokens. RFC 7523 §2.1. */
import { operations, type TrustedIssuer, type TrustedIssuerBody } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';

export function issuerCommand(): Command {
  return verbGroup('issuer', 'Manage the trusted issuers of workload tokens.', [
    serverVerb('list', 'List the trusted issuers, by key.', [['issuer list', 'all of them']]).action(list),
    onIssuer(
      serverVerb('show', 'Show a trusted issuer with its rules.', [
        ['issuer show github', 'which workload is which client'],
      ]),
    ).action(show),
    onIssuer(
      serverVerb('set', 'Create or replace a trusted issuer from a JSON file.', [
        ['issuer set github --from github.json', 'creates it, or replaces the one with that key'],
        ['issuer show github --json | postern issuer set github --from -', 'the file has the format that show prints'],
      ]),
    )
      .requiredOption('--from <file>', 'JSON object with issuer, audience, rules, …; - for standard input')
      .action(set),
    onIssuer(
      serverVerb('delete', 'Delete a trusted issuer. The tokens of the clients in its rules are revoked.', [
        ['issuer delete github --yes', 'without asking'],
      ]),
    )
      .option('--yes', 'do not ask')
      .action(remove),
  ]);
}

function onIssuer(command: Command): Command {
  return command.argument('<key>', 'key of the trusted issuer');
}

async function list(_options: unknown, command: Command): Promise<void> {
  const connection = await connect(command);
  const all = await connection.all(operations.issuers.list(), 'issuers read');
  print(command, all, () =>
    all.length === 0
      ? 'No trusted issuers. Create one: postern issuer set KEY --from FILE\n'
      : formatTable(
          ['key', 'issuer', 'rules', 'audience'],
          all.map(({ key, issuer, rules, audience }) => [
            key,
            issuer,
            rules.length,
            audience ?? 'the issuer of Postern',
          ]),
        ),
  );
}

async function show(key: string, _options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  print(command, await admin.issuers.get(key), formatIssuer);
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const body = await readJson<TrustedIssuerBody>(command.opts<{ from: string }>().from);
  const { admin } = await connect(command);
  print(command, await admin.issuers.save({ ...body, key }), formatIssuer);
}

async function remove(key: string, _options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  await confirm(
    `This deletes the trusted issuer ${key} and revokes the tokens of the clients in its rules.`,
    command.opts<{ yes?: true }>().yes,
  );
  await admin.issuers.delete(key);
  print(command, { key, deleted: true }, () => `Trusted issuer ${key} deleted.\n`);
}

function formatIssuer(trusted: TrustedIssuer): string {
  const record = formatRecord([
    ['key', trusted.key],
    ['issuer', trusted.issuer],
    ['keys', trusted.jwks ? 'by value' : (trusted.jwks_uri ?? 'by discovery')],
    ['audience', trusted.audience ?? 'the issuer of Postern'],
    ['maximum age', `${trusted.max_age_seconds} s`],
    ['single use', trusted.single_use],
  ]);
  const rules = formatTable(
    ['client', 'claims', 'scopes'],
    trusted.rules.map(({ client_id, claims, scopes }) => [client_id, JSON.stringify(claims), scopes ?? 'all']),
  );
  return trusted.rules.length === 0 ? record : `${record}\n${rules}`;
}
