/** `postern client`: everything about clients. */
import type {
  Client,
  ClientSecret,
  CreatedClient,
  NewClientBody,
  Page,
  RotatedSecret,
} from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { collect, countFrom, parseDuration } from '../command/option-values.ts';
import { verbGroup } from '../command/verb.ts';
import { path } from '../connection/path.ts';
import type { ServerApi } from '../connection/server-api.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { note, print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { formatRecord } from '../output/table.ts';
import { type ClientOptions, readClientBody, withClientOptions } from './client-options.ts';
import { formatClient, formatClients } from './client-views.ts';
import { unusedScopesCommand, usageCommand } from './usage-commands.ts';

const clients = '/api/v1/oauth/client';
const clientPath = (id: string) => path`/api/v1/oauth/client/${id}`;
const exampleId = 'r8O445tXXCjyi1GYeIbPRD';

export function clientCommand(): Command {
  return verbGroup('client', 'Make, see, change and end clients.', [
    withClientOptions(
      serverVerb('create', 'Make a client. Its secret is shown this once.', [
        [
          'client create --name billing --scope policy:read --scope rule:read',
          'a client that may read policies and rules',
        ],
        ['client create --name ci --auth-method private_key_jwt --jwks-file keys.json', 'one without a secret'],
        ['client create --from client.json --json', 'all members from a file'],
      ]),
    )
      .option('--id <id>', 'id of your choice, which takes the scope client:choose_id; without, Postern makes one')
      .option('--disabled', 'it gets no tokens until it is enabled')
      .action(create),
    serverVerb('list', 'List clients, oldest first.', [
      ['client list', 'the first page'],
      ['client list --search billing --sort name', 'those with that word in id, name or description'],
      ['client list --all --json', 'every one, for a program'],
    ])
      .option('--search <text>', 'only those with this text in id, name or description')
      .option('--sort <member>', 'created_at, -created_at, name or -name')
      .option('--page <number>', 'page to show', countFrom(1), 1)
      .option('--size <number>', 'clients on a page, 100 at the most', countFrom(1), 50)
      .option('--all', 'all pages')
      .action(list),
    onClient(
      serverVerb('show', 'Show a client and its secrets; never what they are.', [
        [`client show ${exampleId}`, 'all members'],
      ]),
    ).action(show),
    withClientOptions(
      onClient(
        serverVerb('update', 'Change what is named, and leave the rest.', [
          [`client update ${exampleId} --add-scope storage:read`, 'one scope more'],
          [`client update ${exampleId} --ttl 1h`, 'tokens that live an hour'],
          [`echo '{"may_act":null}' | postern client update ${exampleId} --from -`, 'back to the default'],
        ]),
      ),
    )
      .option('--add-scope <scope>', 'scope to add to those it holds; several times', collect)
      .option('--remove-scope <scope>', 'scope to take away, which ends tokens that hold it; several times', collect)
      .action(update),
    onClient(
      serverVerb('rotate-secret', 'Make a new secret, shown this once. The others stay good for the overlap.', [
        [`client rotate-secret ${exampleId} --overlap 24h`, 'the old ones end in a day'],
        [`client rotate-secret ${exampleId} --overlap 0`, 'the old ones and all tokens end now'],
      ]),
    )
      .option(
        '--overlap <time>',
        'the other secrets end after it; without, they stay until they are deleted',
        parseDuration,
      )
      .option('--expires-in <time>', 'the new secret ends after it; without, never', parseDuration)
      .action(rotateSecret),
    onClient(
      serverVerb('disable', 'Refuse a client. All of its tokens end, for good.', [
        [`client disable ${exampleId}`, 'until it is enabled'],
      ]),
    ).action(setEnabled(false)),
    onClient(
      serverVerb('enable', 'Let a disabled client get tokens again.', [
        [`client enable ${exampleId}`, 'tokens from before stay ended'],
      ]),
    ).action(setEnabled(true)),
    onClient(
      serverVerb('revoke-tokens', 'End all tokens that a client has; it may get new ones.', [
        [`client revoke-tokens ${exampleId}`, 'after a leak'],
      ]),
    ).action(revokeTokens),
    onClient(
      serverVerb('delete', 'Delete a client. All of its tokens end.', [
        [`client delete ${exampleId} --yes`, 'without asking'],
      ]),
    )
      .option('--yes', 'do not ask')
      .action(remove),
    usageCommand(),
    unusedScopesCommand(),
  ]);
}

function onClient(command: Command): Command {
  return command.argument('<client-id>', 'id of the client');
}

async function create(_options: unknown, command: Command): Promise<void> {
  const options = command.opts<ClientOptions & { id?: string; disabled?: true }>();
  const body: NewClientBody = {
    ...(options.id !== undefined && { client_id: options.id }),
    ...(await readClientBody(options)),
    ...(options.disabled && { enabled: false }),
  };
  const api = await connect(command);
  const created = await api.send<CreatedClient>('POST', clients, body);
  print(command, created, ({ client_id, client_secret }) =>
    formatRecord([
      ['client id', client_id],
      ['secret', client_secret ?? 'none: it authenticates otherwise'],
    ]),
  );
  if (created.client_secret !== undefined) {
    note(command, 'The secret is shown this once. Keep it where secrets are kept.');
  }
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { search, sort, page, size, all } = command.opts<{
    search?: string;
    sort?: string;
    page: number;
    size: number;
    all?: true;
  }>();
  const api = await connect(command);
  if (all) {
    print(command, await api.listAll<Client>(clients, { search, sort }, startProgress('clients read')), formatClients);
    return;
  }
  const answer = await api.get<Page<Client>>(clients, { search, sort, page, size });
  print(command, answer, ({ items }) => (answer.total === 0 ? 'No clients.\n' : formatClients(items)));
  if (answer.pages > 1) {
    note(command, `Page ${page} of ${answer.pages}; ${answer.total} clients. More: --page ${page + 1}, or --all`);
  }
}

async function show(id: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  const client = await api.get<Client>(clientPath(id));
  const secrets = await api.listAll<ClientSecret>(`${clientPath(id)}/secret`);
  print(command, { ...client, secrets }, () => formatClient(client, secrets));
}

async function update(id: string, _options: unknown, command: Command): Promise<void> {
  const options = command.opts<ClientOptions & { addScope?: string[]; removeScope?: string[] }>();
  const body = await readClientBody(options);
  const { addScope = [], removeScope = [] } = options;
  const isRelative = addScope.length + removeScope.length > 0;
  if (isRelative && body.scopes !== undefined) {
    throw usageError('--scope says all scopes: leave out --add-scope and --remove-scope, or use them alone.');
  }
  if (!isRelative && Object.keys(body).length === 0) {
    throw usageError('nothing to change was named. See: postern client update --help');
  }
  const api = await connect(command);
  const scopes = isRelative ? await changedScopes(api, id, addScope, removeScope) : undefined;
  const changed = await api.send<Client>('PATCH', clientPath(id), { ...body, ...(scopes && { scopes }) });
  print(command, changed, (client) => formatClient(client));
}

async function changedScopes(api: ServerApi, id: string, added: readonly string[], removed: readonly string[]) {
  const { scopes } = await api.get<Client>(clientPath(id));
  const missing = removed.find((scope) => !scopes.includes(scope));
  if (missing !== undefined) {
    throw usageError(`the client does not hold the scope ${missing}, so it cannot lose it.`);
  }
  return [...new Set([...scopes, ...added])].filter((scope) => !removed.includes(scope));
}

async function rotateSecret(id: string, _options: unknown, command: Command): Promise<void> {
  const { overlap, expiresIn } = command.opts<{ overlap?: number; expiresIn?: number }>();
  const api = await connect(command);
  const rotated = await api.send<RotatedSecret>('POST', `${clientPath(id)}/secret`, {
    ...(overlap !== undefined && { overlap_seconds: overlap }),
    ...(expiresIn !== undefined && { expires_in_seconds: expiresIn }),
  });
  print(command, rotated, ({ secret_id, client_secret, expires_at }) =>
    formatRecord([
      ['secret id', secret_id],
      ['secret', client_secret],
      ['expires', expires_at ?? 'never'],
    ]),
  );
  for (const warning of rotated.warnings) {
    note(command, warning);
  }
  note(command, 'The secret is shown this once. Keep it where secrets are kept.');
}

function setEnabled(enabled: boolean) {
  return async (id: string, _options: unknown, command: Command): Promise<void> => {
    const api = await connect(command);
    const client = await api.send<Client>('PATCH', clientPath(id), { enabled });
    print(command, client, () =>
      enabled ? `${id} may get tokens again.\n` : `${id} is disabled, and its tokens are ended.\n`,
    );
  };
}

async function revokeTokens(id: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  await api.send('POST', `${clientPath(id)}/revoke`);
  print(command, { client_id: id, revoked: true }, () => `All tokens that ${id} had are ended.\n`);
}

async function remove(id: string, _options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  await confirm(`This deletes the client ${id} and ends all of its tokens.`, command.opts<{ yes?: true }>().yes);
  await api.send('DELETE', clientPath(id));
  print(command, { client_id: id, deleted: true }, () => `${id} is deleted, and its tokens are ended.\n`);
}
