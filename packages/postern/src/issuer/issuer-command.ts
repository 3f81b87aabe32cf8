/** `postern issuer`: whose workload tokens are taken in place of a secret. RFC 7523. */
import type { TrustedIssuer, TrustedIssuerBody } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { path } from '../connection/path.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { formatRecord, formatTable } from '../output/table.ts';

const issuers = '/api/v1/oauth/issuer';
const issuerPath = (key: string) => path`/api/v1/oauth/issuer/${key}`;

export function issuerCommand(): Command {
  return verbGroup('issuer', 'See and set whose workload tokens are trusted.', [
    serverVerb('list', 'List the trusted issuers, by key.', [['issuer list', 'all of them']]).action(list),
    onIssuer(
      serverVerb('show', 'Show a trusted issuer with its rules.', [
        ['issuer show github', 'which workload is which client'],
      ]),
    ).action(show),
    onIssuer(
      serverVerb('set', 'Trust an issuer, by a file with its members and rules.', [
        ['issuer set github --from github.json', 'makes it, or takes the place of the one with that key'],
        ['issuer show github --json | postern issuer set github --from -', 'the format of the file is that of show'],
      ]),
    )
      .requiredOption('--from <file>', 'JSON object with issuer, audience, rules, …; - for standard input')
      .action(set),
    onIssuer(
      serverVerb('delete', 'Trust an issuer no longer. Clients of its rules lose their tokens.', [
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
  const api = await connect(command);
  const all = await api.listAll<TrustedIssuer>(issuers, {}, startProgress('issuers read'));
  print(command, all, () =>
    all.length === 0
      ? 'No issuer is trusted. Trust one: postern issuer set KEY --from FILE\n'
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
  const api = await connect(command);
  print(command, await api.get<TrustedIssuer>(issuerPath(key)), formatIssuer);
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const body = await readJson<TrustedIssuerBody>(command.opts<{ from: string }>().from);
  const api = await connect(command);
  print(command, await api.send<TrustedIssuer>('PUT', issuers, { ...body, key }), formatIssuer);
}

async function remove(key: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  await confirm(
    `This ends the trust in ${key}, and the tokens of the clients in its rules.`,
    command.opts<{ yes?: true }>().yes,
  );
  await api.send('DELETE', issuerPath(key));
  print(command, { key, deleted: true }, () => `The issuer ${key} is not trusted any more.\n`);
}

function formatIssuer(trusted: TrustedIssuer): string {
  const record = formatRecord([
    ['key', trusted.key],
    ['issuer', trusted.issuer],
    ['keys', trusted.jwks ? 'by value' : (trusted.jwks_uri ?? 'by discovery')],
    ['audience', trusted.audience ?? 'the issuer of Postern'],
    ['good for', `${trusted.max_age_seconds} s`],
    ['single use', trusted.single_use],
  ]);
  const rules = formatTable(
    ['client', 'claims', 'scopes'],
    trusted.rules.map(({ client_id, claims, scopes }) => [client_id, JSON.stringify(claims), scopes ?? 'all']),
  );
  return trusted.rules.length === 0 ? record : `${record}\n${rules}`;
}
