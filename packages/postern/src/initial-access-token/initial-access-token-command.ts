/** `postern initial-access-token`: tokens with which clients register themselves. RFC 7591 §3. */
import { type InitialAccessToken, operations } from '@postern/admin';
import type { Command } from 'commander';
import { collect, countFrom, parseDuration } from '../command/option-values.ts';
import { verbGroup } from '../command/verb.ts';
import { byIdOrName } from '../connection/find-id.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { deleteVerb, type ListedThing, listVerb, showVerb } from '../connection/thing-verbs.ts';
import { type MemberTable, readMembers, withMembers } from '../input/member-options.ts';
import { note, print } from '../output/output.ts';
import { type Cell, formatRecord } from '../output/table.ts';

const members: MemberTable = {
  name: ['--name <name>', 'display name'],
  scopes: ['--scope <scope>', 'scope that clients may register for; repeatable', collect],
  resources: ['--resource <identifier>', 'registered resource that they may request tokens for; repeatable', collect],
  max_uses: ['--max-uses <number>', 'how many clients it can register; default: 1', countFrom(1)],
  expires_in_seconds: ['--expires-in <time>', 'when it expires, as 15m, 24h, 7d; default: in a day', parseDuration],
};

const thing: ListedThing<InitialAccessToken> = {
  group: 'initial-access-token',
  noun: 'initial access token',
  id: 'id',
  example: 'kV3mUQxYh2bWc8TzP0Lr5A',
  find: byIdOrName(operations.initialAccessTokens, 'id', 'name'),
  operations: operations.initialAccessTokens,
  several: 'tokens',
  none: 'No initial access tokens. Create one: postern initial-access-token create --scope SCOPE',
  columns: ['id', 'name', 'uses', 'expires', 'created by'],
  row: (one) => [one.id, one.name, `${one.uses} of ${one.max_uses}`, one.expires_at, one.created_by],
  format: (one) => formatRecord(describe(one)),
};

export function initialAccessTokenCommand(): Command {
  return verbGroup('initial-access-token', 'Manage the tokens with which clients register themselves.', [
    withMembers(
      serverVerb('create', 'Create an initial access token. It is shown only once.', [
        ['initial-access-token create --name ci --scope invoice:read', 'for one client, within a day'],
        ['initial-access-token create --scope invoice:read --max-uses 20 --expires-in 7d', 'for up to 20 clients'],
      ]),
      members,
      'initial access token',
    ).action(create),
    listVerb(thing, 'List the initial access tokens, oldest first; never the tokens themselves.'),
    showVerb(thing, 'Show an initial access token, without the token itself.', 'how many clients it has registered'),
    deleteVerb(
      thing,
      'Delete an initial access token. The clients that were registered with it stay.',
      '. The clients that were registered with it stay.',
    ),
  ]);
}

async function create(_options: unknown, command: Command): Promise<void> {
  const body = { scopes: [], ...(await readMembers(command, members)) };
  const { admin } = await connect(command);
  const created = await admin.initialAccessTokens.create(body);
  print(command, created, ({ initial_access_token, ...one }) =>
    formatRecord([...describe(one), ['initial access token', initial_access_token]]),
  );
  note(command, 'The token is shown only once. Store it in a safe place.');
}

function describe(one: InitialAccessToken): [string, Cell][] {
  return [
    ['id', one.id],
    ['name', one.name],
    ['scopes', one.scopes],
    ['resources', one.resources],
    ['uses', `${one.uses} of ${one.max_uses}`],
    ['expires', one.expires_at],
    ['created', one.created_at],
    ['created by', one.created_by],
  ];
}
