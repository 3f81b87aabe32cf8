/** `postern client`: clients, their secrets, and what they use. */
import {
  type Client,
  type ClientQuery,
  ifUnchanged,
  type NewClientBody,
  operations,
  withDefaultResource,
} from '@postern/admin';
import { defaultPageSize, maxPageSize } from '@postern/protocol/api-limits';
import { type Command, Option } from 'commander';
import { usageError } from '../command/command-error.ts';
import { collect, countFrom, parseDuration } from '../command/option-values.ts';
import { verbGroup } from '../command/verb.ts';
import { findClientIds } from '../connection/find-id.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { connectTo, type DeletableThing, deleteVerb, sendIfUnchanged, thingVerb } from '../connection/thing-verbs.ts';
import { confirm } from '../input/confirm.ts';
import { readSecret } from '../input/read-input.ts';
import { note, print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';
import { readClientBody, withClientIds, withClientOptions } from './client-options.ts';
import { formatClient, formatClients } from './client-views.ts';
import { formatUsage, unusedScopesCommand } from './usage-commands.ts';

const client: DeletableThing = {
  group: 'client',
  noun: 'client',
  id: 'client_id',
  example: 'billing',
  find: findClientIds,
  operations: operations.clients,
};

const secretFileOption = [
  '--secret-file <file>',
  'file with a secret of your choice, - for standard input (requires the scope client:choose_secret); default: generated',
] as const;

export function clientCommand(): Command {
  return verbGroup('client', 'Create, list, change and delete clients.', [
    withClientOptions(
      serverVerb('create', 'Create a client. Its secret is shown only once.', [
        [
          'client create --name billing --scope policy:read --scope rule:read',
          'a client that may read policies and rules',
        ],
        [
          'client create --name shop --resource https://billing.example.com --scope invoice:read',
          'a client for one API, which its tokens are for',
        ],
        ['client create --name ci --auth-method private_key_jwt --jwks-file keys.json', 'a client without a secret'],
        ['client create --from client.json --json', 'all members from a file'],
      ]),
    )
      .option(
        '--id <id>',
        'id of your choice (requires the scope client:choose_id, or client_document:approve with --metadata-document); default: generated',
      )
      .option(...secretFileOption)
      .option('--disabled', 'create it disabled: no tokens are issued to it until it is enabled')
      .action(create),
    serverVerb('list', 'List clients, oldest first.', [
      ['client list', 'the first page'],
      ['client list --search billing --sort name', 'those with that text in id, name or description'],
      ['client list --scope invoice:read --status enabled', 'those that can get tokens with a scope'],
      ['client list --unused-days 90 --sort last_issued_at', 'those that could be deleted, the longest unused first'],
      ['client list --expires-within-days 14', 'those that have expired, or soon will'],
      ['client list --failing', 'those whose requests for tokens fail now'],
      ['client list --all --json', 'all clients, as JSON'],
    ])
      .option('--search <text>', 'only those with this text in id, name or description')
      .option('--scope <scope>', 'only those that have this scope')
      .option('--resource <identifier>', 'only those that may get tokens for this resource')
      .addOption(new Option('--status <status>', 'only those that are').choices(['enabled', 'disabled']))
      .option(
        '--authentication <kind>',
        'only those that authenticate by: secret, private_key, certificate or workload',
      )
      .option('--expires-within-days <number>', 'only those that have expired, or do within so many days', countFrom(0))
      .option('--unused-days <number>', 'only those that got no token for so many days', countFrom(1))
      .option('--failing', 'only those of which a request for a token failed within the last hour')
      .option('--no-failing', 'only those of which none did')
      .option(
        '--sort <member>',
        'created_at, name or last_issued_at (the last token), or in descending order: -created_at, -name or -last_issued_at',
      )
      .option('--page <number>', 'page to show', countFrom(1), 1)
      .option('--size <number>', `clients on a page, at most ${maxPageSize}`, countFrom(1), defaultPageSize)
      .option('--all', 'all pages')
      .action(list),
    thingVerb(client, 'show', 'Show a client, and when its secrets were created, used and expire.', [
      ['', 'all members'],
    ]).action(show),
    withClientOptions(
      thingVerb(client, 'update', 'Change the given members of a client.', [
        ['--add-scope storage:read', 'add a scope'],
        ['--ttl 1h', 'its new tokens expire after an hour'],
        ['--from - <<< \'{"may_act":null}\'', 'reset a member to its default'],
      ]),
    )
      .option('--add-scope <scope>', 'scope to add; repeatable', collect)
      .option('--remove-scope <scope>', 'scope to remove; tokens with it are revoked; repeatable', collect)
      .action(update),
    thingVerb(
      client,
      'rotate-secret',
      'Create a new secret, shown only once. The other secrets stay valid for the overlap.',
      [
        ['--overlap 24h', 'the old secrets expire in 24 hours'],
        ['--overlap 0', 'the old secrets and all tokens are revoked now'],
      ],
    )
      .option(
        '--overlap <time>',
        'when the other secrets expire; default: never, until they are deleted',
        parseDuration,
      )
      .option('--expires-in <time>', 'when the new secret expires; default: never', parseDuration)
      .option(...secretFileOption)
      .action(rotateSecret),
    thingVerb(client, 'delete-secret', 'Delete one secret of a client. It can no longer be used; tokens stay valid.', [
      ['SECRET_ID', 'after a look at: postern client show'],
    ])
      .argument('<secret-id>', 'id of the secret')
      .option('--yes', 'do not ask')
      .action(deleteSecret),
    thingVerb(client, 'disable', 'Disable a client. All of its tokens are revoked for good.', [
      ['', 'it gets no more tokens until it is enabled'],
    ]).action(setEnabled(false)),
    thingVerb(client, 'enable', 'Enable a disabled client.', [['', 'its earlier tokens remain revoked']]).action(
      setEnabled(true),
    ),
    thingVerb(client, 'revoke-tokens', 'Revoke all tokens of a client. It may request new ones.', [
      ['', 'after a leak'],
    ]).action(revokeTokens),
    deleteVerb(client, 'Delete a client. All of its tokens are revoked.', ' and revokes all of its tokens.'),
    thingVerb(client, 'usage', 'Show how many tokens were issued to a client, and with which of its scopes.', [
      ['', 'which scopes does it never use?'],
    ]).action(async (text: string, _options: unknown, command: Command) => {
      const { admin, id } = await connectTo(client, text, command);
      print(command, await admin.clients.getUsage(id), formatUsage);
    }),
    unusedScopesCommand(),
  ]);
}

async function create(_options: unknown, command: Command): Promise<void> {
  const options = command.opts<{ id?: string; secretFile?: string; disabled?: true }>();
  const body: NewClientBody = {
    ...(options.id !== undefined && { client_id: options.id }),
    ...(await readClientBody(command)),
    ...(options.secretFile !== undefined && { client_secret: await readSecret(options.secretFile) }),
    ...(options.disabled && { enabled: false }),
  };
  const connection = await connect(command);
  const created = await connection.admin.clients.create(
    withDefaultResource(await withClientIds(command, connection, body)),
  );
  print(command, created, ({ client_id, client_secret, inherited = {} }) =>
    formatRecord([
      ['client id', client_id],
      ['secret', client_secret ?? missingSecret(body)],
      ...Object.entries(inherited).map(([member, limit]): [string, string] => [
        member,
        `${limit}, as for your own client`,
      ]),
    ]),
  );
  if (created.client_secret !== undefined) {
    note(command, 'The secret is shown only once. Store it in a safe place.');
  }
}

function missingSecret({ client_secret, client_secret_digest }: NewClientBody): string {
  return client_secret === undefined && client_secret_digest === undefined
    ? 'none: the client uses another authentication method'
    : 'the one that you chose';
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { page, size, all, ...options } = command.opts<ListOptions>();
  const filter = filterOf(options);
  const connection = await connect(command);
  if (all) {
    print(command, await connection.all(operations.clients.list(filter), 'clients read'), formatClients);
    return;
  }
  const answer = await connection.admin.clients.list({ ...filter, page, size });
  print(command, answer, ({ items }) => (answer.total === 0 ? 'No clients.\n' : formatClients(items)));
  const pages = Math.ceil(answer.total / size);
  if (pages > 1) {
    note(command, `Page ${page} of ${pages}; ${answer.total} clients. More: --page ${page + 1}, or --all`);
  }
}

interface ListOptions extends Pick<ClientQuery, 'search' | 'scope' | 'resource' | 'authentication' | 'sort'> {
  readonly page: number;
  readonly size: number;
  readonly all?: true;
  readonly status?: 'enabled' | 'disabled';
  readonly expiresWithinDays?: number;
  readonly unusedDays?: number;
  readonly failing?: boolean;
}

/** The server knows the valid values, and reports invalid ones. */
function filterOf(options: Omit<ListOptions, 'page' | 'size' | 'all'>): ClientQuery {
  const { search, scope, resource, status, authentication, expiresWithinDays, unusedDays, failing, sort } = options;
  return {
    ...(search !== undefined && { search }),
    ...(scope !== undefined && { scope }),
    ...(resource !== undefined && { resource }),
    ...(status !== undefined && { enabled: status === 'enabled' ? 'true' : 'false' }),
    ...(authentication !== undefined && { authentication }),
    ...(expiresWithinDays !== undefined && { expires_within_days: expiresWithinDays }),
    ...(unusedDays !== undefined && { unused_days: unusedDays }),
    ...(failing !== undefined && { failing: failing ? 'true' : 'false' }),
    ...(sort !== undefined && { sort }),
  };
}

async function show(text: string, _options: unknown, command: Command): Promise<void> {
  const { admin, id } = await connectTo(client, text, command);
  const shown = await admin.clients.get(id);
  const secrets = await admin.all(operations.secrets.list(id));
  print(command, { ...shown, secrets }, () => formatClient(shown, secrets));
}

async function update(text: string, _options: unknown, command: Command): Promise<void> {
  const body = await readClientBody(command);
  const { addScope = [], removeScope = [] } = command.opts<{ addScope?: string[]; removeScope?: string[] }>();
  const isRelative = addScope.length + removeScope.length > 0;
  if (isRelative && body.scopes !== undefined) {
    throw usageError('--scope sets all scopes: use either it, or --add-scope and --remove-scope.');
  }
  if (!isRelative && Object.keys(body).length === 0) {
    throw usageError('no change was given. See: postern client update --help');
  }
  const { id, ...connection } = await connectTo(client, text, command);
  const { admin } = connection;
  const change = await withClientIds(command, connection, body);
  let changed: Client;
  if (isRelative) {
    const before = await admin.clients.get(id);
    const scopes = changedScopes(before, addScope, removeScope);
    changed = await admin.send(ifUnchanged(operations.clients.update(id, { ...change, scopes }), before));
  } else {
    changed = await sendIfUnchanged(admin, operations.clients.get(id), operations.clients.update(id, change));
  }
  print(command, changed, (client) => formatClient(client));
}

function changedScopes({ scopes }: Client, added: readonly string[], removed: readonly string[]): string[] {
  const missing = removed.find((scope) => !scopes.includes(scope));
  if (missing !== undefined) {
    throw usageError(`the client does not have the scope ${missing}.`);
  }
  return [...new Set([...scopes, ...added])].filter((scope) => !removed.includes(scope));
}

async function rotateSecret(text: string, _options: unknown, command: Command): Promise<void> {
  const { overlap, expiresIn, secretFile } = command.opts<{
    overlap?: number;
    expiresIn?: number;
    secretFile?: string;
  }>();
  const { admin, id } = await connectTo(client, text, command);
  const rotated = await admin.secrets.rotate(id, {
    ...(overlap !== undefined && { overlap_seconds: overlap }),
    ...(expiresIn !== undefined && { expires_in_seconds: expiresIn }),
    ...(secretFile !== undefined && { client_secret: await readSecret(secretFile) }),
  });
  print(command, rotated, ({ secret_id, client_secret, expires_at }) =>
    formatRecord([
      ['secret id', secret_id],
      ['secret', client_secret ?? 'the one that you chose'],
      ['expires', expires_at ?? 'never'],
    ]),
  );
  for (const warning of rotated.warnings) {
    note(command, warning);
  }
  if (rotated.client_secret !== undefined) {
    note(command, 'The secret is shown only once. Store it in a safe place.');
  }
}

async function deleteSecret(text: string, secretId: string, _options: unknown, command: Command): Promise<void> {
  const { admin, id } = await connectTo(client, text, command);
  await confirm(
    `This deletes the secret ${secretId} of the client ${id}, which can no longer be used.`,
    command.opts<{ yes?: true }>().yes,
  );
  await admin.secrets.delete(id, secretId);
  print(command, { client_id: id, secret_id: secretId, deleted: true }, () => `Secret ${secretId} deleted.\n`);
}

function setEnabled(enabled: boolean) {
  return async (text: string, _options: unknown, command: Command): Promise<void> => {
    const { admin, id } = await connectTo(client, text, command);
    const changed = await admin.clients.update(id, { enabled });
    print(command, changed, () =>
      enabled ? `Client ${id} enabled.\n` : `Client ${id} disabled and its tokens revoked.\n`,
    );
  };
}

async function revokeTokens(text: string, _options: unknown, command: Command): Promise<void> {
  const { admin, id } = await connectTo(client, text, command);
  await admin.clients.revokeTokens(id);
  print(command, { client_id: id, revoked: true }, () => `All tokens of ${id} revoked.\n`);
}
