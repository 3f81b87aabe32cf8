/** `postern issuer`: the trusted issuers of workload tokens. RFC 7523 §2.1. */
import { operations, type TrustedIssuer, type TrustedIssuerBody } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect } from '../connection/server-verb.ts';
import { deleteVerb, listVerb, showVerb, type Thing, thingVerb } from '../connection/thing-verbs.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';

const issuer: Thing = { group: 'issuer', noun: 'trusted issuer', id: 'key', example: 'github' };

export function issuerCommand(): Command {
  return verbGroup('issuer', 'Manage the trusted issuers of workload tokens.', [
    listVerb(issuer, 'List the trusted issuers, by key.', operations.issuers.list(), 'issuers read', formatIssuers),
    showVerb(
      issuer,
      'Show a trusted issuer with its rules.',
      'which workload is which client',
      operations.issuers.get,
      formatIssuer,
    ),
    thingVerb(issuer, 'set', 'Create or replace a trusted issuer from a JSON file.', [
      ['--from github.json', 'creates it, or replaces the one with that key'],
    ])
      .requiredOption('--from <file>', 'JSON object with issuer, audience, rules, …; - for standard input')
      .addHelpText('after', 'The file has the format that this prints: postern issuer show KEY --json')
      .action(set),
    deleteVerb(
      issuer,
      'Delete a trusted issuer. The tokens of the clients in its rules are revoked.',
      ' and revokes the tokens of the clients in its rules.',
      operations.issuers.delete,
    ),
  ]);
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const body = await readJson<TrustedIssuerBody>(command.opts<{ from: string }>().from);
  const { admin } = await connect(command);
  print(command, await admin.issuers.save({ ...body, key }), formatIssuer);
}

function formatIssuers(all: readonly TrustedIssuer[]): string {
  return all.length === 0
    ? 'No trusted issuers. Create one: postern issuer set KEY --from FILE\n'
    : formatTable(
        ['key', 'issuer', 'rules', 'audience'],
        all.map(({ key, issuer, rules, audience }) => [key, issuer, rules.length, audience ?? 'the issuer of Postern']),
      );
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
