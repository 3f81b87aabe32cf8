/** `postern resource`: the APIs that tokens can be for. RFC 8707. */
import { ifUnchanged, operations, type Resource } from '@postern/admin';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { collect, parseDuration } from '../command/option-values.ts';
import { verbGroup } from '../command/verb.ts';
import { byIdOrName, findClientId } from '../connection/find-id.ts';
import type { ServerConnection } from '../connection/server-connection.ts';
import { connectTo, deleteVerb, type ListedThing, listVerb, showVerb, thingVerb } from '../connection/thing-verbs.ts';
import { type MemberTable, readMembers, withMembers } from '../input/member-options.ts';
import { print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';

const members: MemberTable = {
  identifier: ['--identifier <url>', 'audience of its tokens'],
  scopes: ['--scope <scope>', 'scope that its tokens may have; repeatable', collect],
  access_token_ttl_seconds: ['--ttl <time>', 'lifetime of its tokens, in seconds or as 15m, 24h, 7d', parseDuration],
  signing_alg: ['--signing-alg <alg>', 'algorithm that signs its tokens: ES256, EdDSA, RS256 or PS256'],
  access_token_typ: [
    '--token-typ <typ>',
    'type of its tokens: at+jwt, or JWT for an API whose verifier accepts no other, which costs the check of the kind',
  ],
  introspection_clients: [
    '--introspection-client <client>',
    'client, by id or name, that may introspect its tokens; repeatable',
    collect,
  ],
};

const resource: ListedThing<Resource> = {
  group: 'resource',
  noun: 'resource',
  id: 'key',
  example: 'billing',
  find: byIdOrName(operations.resources, 'key', 'identifier'),
  operations: operations.resources,
  several: 'resources',
  none: 'No resources. Create one: postern resource set KEY --identifier URL --scope SCOPE',
  columns: ['key', 'identifier', 'scopes', 'token lifetime'],
  row: (one) => [one.key, one.identifier, one.scopes.length, formatTtl(one)],
  format: formatResource,
};

export function resourceCommand(): Command {
  return verbGroup('resource', 'Manage the APIs that tokens can be for.', [
    listVerb(resource, 'List the resources, by key.'),
    showVerb(resource, 'Show a resource.', 'all members'),
    withMembers(
      thingVerb(resource, 'set', 'Create a resource, or change the given members of the one with that key.', [
        ['--identifier https://billing.example.com --scope invoice:read', 'an API of your own'],
        ['--ttl 5m', 'its new tokens expire after five minutes'],
      ]),
      members,
      'resource',
    ).action(set),
    deleteVerb(resource, 'Delete a resource. No more tokens are issued for it.', '. No more tokens are issued for it.'),
  ]);
}

async function set(text: string, _options: unknown, command: Command): Promise<void> {
  const { id: key, ...connection } = await connectTo(resource, text, command);
  const { admin } = connection;
  const { introspection_clients: clients, ...given } = (await readMembers(command, members)) as Partial<Resource>;
  const before = await admin.find(operations.resources.get(key));
  const body: Omit<Resource, 'identifier'> & { identifier?: string } = {
    scopes: [],
    ...before,
    ...given,
    ...(clients && { introspection_clients: await findClientIdsOf(command, connection, clients) }),
    key,
  };
  const { identifier: audience } = body;
  if (audience === undefined) {
    throw usageError(`resource ${key} does not exist. To create it, add --identifier, the audience of its tokens.`);
  }
  const change = ifUnchanged(operations.resources.save({ ...body, identifier: audience }), before);
  print(command, await admin.send(change), formatResource);
}

async function findClientIdsOf(command: Command, connection: ServerConnection, names: readonly string[]) {
  const ids: string[] = [];
  for (const name of names) {
    ids.push(await findClientId(command, connection, name));
  }
  return ids;
}

function formatResource(resource: Resource): string {
  return formatRecord([
    ['key', resource.key],
    ['identifier', resource.identifier],
    ['scopes', resource.scopes],
    ['token lifetime', formatTtl(resource)],
    ['signed with', resource.signing_alg ?? 'the default'],
    ['token type', resource.access_token_typ],
    ['may introspect', resource.introspection_clients],
  ]);
}

function formatTtl({ access_token_ttl_seconds: ttl }: Resource): string {
  return ttl === null || ttl === undefined ? 'the default' : `${ttl} s`;
}
