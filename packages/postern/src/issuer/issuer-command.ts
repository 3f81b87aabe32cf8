/** `postern issuer`: the trusted issuers of tokens of workloads and people. RFC 7523 §2.1. */
import { operations, type TrustedIssuer, type TrustedIssuerBody } from '@postern/admin';
import { issuerTemplate, type WorkloadPlatform, workloadPlatforms } from '@postern/protocol/workload-platforms';
import { Argument, type Command } from 'commander';
import { verb, verbGroup } from '../command/verb.ts';
import { byIdOrName } from '../connection/find-id.ts';
import { connect } from '../connection/server-verb.ts';
import {
  deleteVerb,
  type ListedThing,
  listVerb,
  sendIfUnchanged,
  showVerb,
  thingVerb,
} from '../connection/thing-verbs.ts';
import { readJson } from '../input/json-input.ts';
import { note, print } from '../output/output.ts';
import { formatRecord, formatTable } from '../output/table.ts';

const issuer: ListedThing<TrustedIssuer> = {
  group: 'issuer',
  noun: 'trusted issuer',
  id: 'key',
  example: 'github',
  find: byIdOrName(operations.issuers, 'key', 'issuer'),
  operations: operations.issuers,
  several: 'issuers',
  none: 'No trusted issuers. Create one: postern issuer set KEY --from FILE',
  columns: ['key', 'issuer', 'rules', 'audience'],
  row: ({ key, issuer, rules, audience }) => [key, issuer, rules.length, audience ?? 'the issuer of Postern'],
  format: formatIssuer,
};

export function issuerCommand(): Command {
  return verbGroup('issuer', 'Manage the trusted issuers of tokens of workloads and people.', [
    listVerb(issuer, 'List the trusted issuers, by key.'),
    showVerb(issuer, 'Show a trusted issuer with its rules.', 'which workload or person is which client'),
    verb('template', 'Print a trusted issuer for a platform, to complete and to send with issuer set.', [
      ['issuer template', 'which platforms there are'],
      ['issuer template gitlab --client CLIENT_ID > gitlab.json', 'one for GitLab, with a rule for a client'],
    ])
      .addArgument(
        new Argument('[platform]', 'the platform; default: list all').choices(workloadPlatforms.map(({ key }) => key)),
      )
      .option('--client <client-id>', 'the client of its rule')
      .action(template),
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
    ),
  ]);
}

function template(key: string | undefined, { client }: { readonly client?: string }, command: Command): void {
  const platform = workloadPlatforms.find((one) => one.key === key);
  if (platform === undefined) {
    print(command, workloadPlatforms.map(platformView), formatPlatforms);
    return;
  }
  const { audienceRule, mustName, required } = platform;
  note(command, `Replace everything in <>. The aud of its tokens: ${audienceRule}.`);
  note(command, `Each rule must name ${mustName}, by one of: ${Object.keys(required).join(', ')}.`);
  print(command, issuerTemplate(platform, client), (body) => `${JSON.stringify(body, null, 2)}\n`);
}

function platformView({ key, label, issuer, required }: WorkloadPlatform) {
  return { platform: key, name: label, issuer, required_claims: Object.keys(required) };
}

function formatPlatforms(all: readonly ReturnType<typeof platformView>[]): string {
  return formatTable(
    ['platform', 'name', 'issuer'],
    all.map(({ platform, name, issuer }) => [platform, name, issuer]),
  );
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const body = await readJson<TrustedIssuerBody>(command.opts<{ from: string }>().from);
  const { admin } = await connect(command);
  const change = operations.issuers.save({ ...body, key });
  print(command, await sendIfUnchanged(admin, operations.issuers.get(key), change), formatIssuer);
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
    ['client', 'for', 'claims', 'scopes'],
    trusted.rules.map(({ client_id, people, claims, scopes }) => [
      client_id,
      people ? 'people' : 'workloads',
      JSON.stringify(claims),
      scopes ?? 'all',
    ]),
  );
  return trusted.rules.length === 0 ? record : `${record}\n${rules}`;
}
