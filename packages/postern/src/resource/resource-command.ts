/** `postern resource`: the APIs that tokens can be for. RFC 8707. */
import type { Resource } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { collect, parseDuration } from '../command/option-values.ts';
import { verbGroup } from '../command/verb.ts';
import { path } from '../connection/path.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { formatRecord, formatTable } from '../output/table.ts';

const resources = '/api/v1/oauth/resource';
const resourcePath = (key: string) => path`/api/v1/oauth/resource/${key}`;

interface SetOptions {
  readonly identifier?: string;
  readonly scope?: string[];
  readonly ttl?: number;
  readonly signingAlg?: string;
  readonly introspectionClient?: string[];
  readonly from?: string;
}

export function resourceCommand(): Command {
  return verbGroup('resource', 'See and register the APIs that tokens can be for.', [
    serverVerb('list', 'List the resources, by key.', [['resource list', 'all of them']]).action(list),
    onResource(serverVerb('show', 'Show a resource.', [['resource show billing', 'all members']])).action(show),
    onResource(
      serverVerb('set', 'Make a resource, or change what is named of the one with that key.', [
        ['resource set billing --identifier https://billing.example.com --scope invoice:read', 'an API of your own'],
        ['resource set billing --ttl 5m', 'short tokens for it, from now on'],
      ]),
    )
      .option('--identifier <url>', 'audience of its tokens')
      .option('--scope <scope>', 'scope that tokens for it may hold; may be given several times', collect)
      .option('--ttl <time>', 'lifetime of its tokens, in seconds or as 15m, 24h, 7d', parseDuration)
      .option('--signing-alg <alg>', 'signs its tokens: ES256, EdDSA, RS256 or PS256')
      .option('--introspection-client <id>', 'client that may introspect its tokens; several times', collect)
      .option('--from <file>', 'JSON object with any members of a resource, - for standard input; options come on top')
      .action(set),
    onResource(
      serverVerb('delete', 'Delete a resource. Nothing is issued for it any more.', [
        ['resource delete billing --yes', 'without asking'],
      ]),
    )
      .option('--yes', 'do not ask')
      .action(remove),
  ]);
}

function onResource(command: Command): Command {
  return command.argument('<key>', 'key of the resource');
}

async function list(_options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  const all = await api.listAll<Resource>(resources, {}, startProgress('resources read'));
  print(command, all, () =>
    all.length === 0
      ? 'No resources. Make one: postern resource set KEY --identifier URL --scope SCOPE\n'
      : formatTable(
          ['key', 'identifier', 'scopes', 'tokens live'],
          all.map((one) => [one.key, one.identifier, one.scopes.length, formatTtl(one)]),
        ),
  );
}

async function show(key: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  print(command, await api.get<Resource>(resourcePath(key)), formatResource);
}

async function set(key: string, _options: unknown, command: Command): Promise<void> {
  const { identifier, scope, ttl, signingAlg, introspectionClient, from } = command.opts<SetOptions>();
  const named = {
    identifier,
    scopes: scope,
    access_token_ttl_seconds: ttl,
    signing_alg: signingAlg,
    introspection_clients: introspectionClient,
  };
  const api = await connect(command);
  const before = (await api.find<Resource>(resourcePath(key))) ?? { scopes: [] };
  const body = {
    ...before,
    ...(from !== undefined && (await readJson<object>(from))),
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    key,
  };
  if (!('identifier' in body)) {
    throw usageError(`there is no resource ${key} yet. A new one needs --identifier, the audience of its tokens.`);
  }
  print(command, await api.send<Resource>('PUT', resources, body), formatResource);
}

async function remove(key: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  await confirm(
    `This deletes the resource ${key}; nothing is issued for it any more.`,
    command.opts<{ yes?: true }>().yes,
  );
  await api.send('DELETE', resourcePath(key));
  print(command, { key, deleted: true }, () => `The resource ${key} is deleted.\n`);
}

function formatResource(resource: Resource): string {
  return formatRecord([
    ['key', resource.key],
    ['identifier', resource.identifier],
    ['scopes', resource.scopes],
    ['tokens live', formatTtl(resource)],
    ['signed with', resource.signing_alg ?? 'the default'],
    ['may introspect', resource.introspection_clients],
  ]);
}

function formatTtl({ access_token_ttl_seconds: ttl }: Resource): string {
  return ttl === null || ttl === undefined ? 'the default' : `${ttl} s`;
}
