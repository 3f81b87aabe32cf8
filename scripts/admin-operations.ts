/**
 * The operations of `@postern/admin`, from the OpenAPI description of a running server: a function for each, and the types
 * of what they take and answer.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@postern/server';
import { pino } from 'pino';
import { createServer } from '../packages/postern/src/serve/serve.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly readOnly?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

interface DescribedOperation {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Naming {
  /** Group and function. */
  readonly name: `${string}.${string}`;
  /** The name of the type of its query. The types of bodies and answers have the names of their schemas. */
  readonly query?: string;
  /** What the query has if the caller does not say otherwise. */
  readonly defaults?: Readonly<Record<string, string>>;
}

/** The group of functions of each thing, by what the operation ids call it. */
const groupOf: Readonly<Record<string, string>> = {
  client: 'clients',
  client_secret: 'secrets',
  scope: 'scopes',
  resource: 'resources',
  trusted_issuer: 'issuers',
  authorization_details_type: 'authorizationDetailsTypes',
  role: 'roles',
  stream: 'streams',
  client_policy: 'clientPolicies',
  client_document: 'clientDocuments',
  initial_access_token: 'initialAccessTokens',
  key: 'keys',
  policy: 'policies',
  rule: 'rules',
  rule_target: 'targets',
};

/** By operation id, without the path and the method at its end: those whose names do not follow from their ids. */
const names: Readonly<Record<string, Naming>> = {
  list_clients: { name: 'clients.list', query: 'ClientQuery' },
  patch_client: { name: 'clients.update' },
  revoke_client_tokens: { name: 'clients.revokeTokens' },
  get_client_scopes: { name: 'clients.getScopes' },
  set_client_scopes: { name: 'clients.setScopes' },
  get_client_usage: { name: 'clients.getUsage' },
  rotate_client_secret: { name: 'secrets.rotate' },
  read_scopes: { name: 'scopes.list', query: 'ScopeQuery', defaults: { cursor: '' } },
  list_people: { name: 'people.list' },
  whoami: { name: 'tokens.whoami' },
  list_client_documents: { name: 'clientDocuments.list', query: 'ClientDocumentQuery' },
  reject_client_document: { name: 'clientDocuments.reject' },
  list_keys: { name: 'keys.list' },
  revoke_key: { name: 'keys.revoke' },
  rotate_key: { name: 'keys.rotate' },
  get_policy_list: { name: 'policies.list' },
  create_or_update_policies: { name: 'policies.save' },
  get_rule_list: { name: 'rules.list' },
  create_or_update_rules: { name: 'rules.save' },
  create_or_update_rule_targets: { name: 'targets.save' },
  get_configs: { name: 'storage.list' },
  put_config: { name: 'storage.save' },
  get_config_by_key: { name: 'storage.get' },
  delete_config_by_key: { name: 'storage.delete' },
  apply_batch: { name: 'batch.apply' },
  list_unused_scopes: { name: 'usage.listUnusedScopes', query: 'UnusedScopesQuery' },
  list_failures: { name: 'failures.list', query: 'FailureQuery' },
  get_statistics: { name: 'statistics.get', query: 'StatisticsQuery' },
  list_events: { name: 'events.list', query: 'EventQuery' },
  get_event_head: { name: 'events.getHead' },
  get_event_checkpoint: { name: 'events.getCheckpoint' },
  revoke_one_token: { name: 'tokens.revoke' },
  preview_revocation: { name: 'tokens.previewRevocation' },
  revoke_all_tokens: { name: 'tokens.revokeAll' },
  explain_token: { name: 'tokens.explain' },
  read_revocations: { name: 'revocations.read', query: 'RevocationQuery' },
};

function findNaming(id: string): Naming | undefined {
  const [, verb, thing = ''] = /^(create|list|get|save|delete)_(.+)$/.exec(id) ?? [];
  const one = Object.keys(groupOf).find((noun) => [noun, `${noun.replace(/y$/, 'ie')}s`].includes(thing));
  return names[id] ?? (one === undefined ? undefined : { name: `${groupOf[one]}.${verb}` });
}

/** These do the same as another method at the same path. */
const aliases = ['update_client', 'patch_config'];

/** Receivers of events call these by the protocol, with programs of others. */
const tagOfReceivers = 'Shared Signals';

const { paths, components } = await describeServer();

/** Declarations by the names of the types. */
const types = new Map<string, string>();
/** Functions by group. */
const groups = new Map<string, string[]>();
/** What the operations require, and the one scope that a member of a body requires. */
const scopes = new Set(['client:choose_id']);

addOperations();

/** The module as text, formatted as everything else. */
export const operationsModule =
  format(`/** The operations of the management API. Written by \`npm run generate\`; edits are lost. */
import { type BulkAnswer, change, type Page, path, read } from './operation.ts';

${[...types.values()].join('\n\n')}

/** The scopes that the operations require. */
export const managementScopes: readonly string[] = ${JSON.stringify([...scopes].toSorted())};

/** One function for each operation. It sends nothing: it returns the call as a value, for \`send\` or for a batch. */
export const operations = {
${[...groups].map(([group, members]) => `${group}: {\n${members.join('\n')}\n},`).join('\n')}
} as const;
`);

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

async function describeServer(): Promise<Description> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-generate-'));
  try {
    const config = readConfig({ POSTERN_DATA_DIR: directory });
    const { app } = await createServer(config, pino({ enabled: false }));
    await app.ready();
    const answer = await app.inject('/openapi.json');
    await app.close();
    return answer.json();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function addOperations(): void {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const id = operation.operationId.slice(0, -`${path}_${method}`.length);
      const isAlias = aliases.includes(id) || (method === 'patch' && methods['put']?.operationId.startsWith(id));
      const { security = [] } = operation;
      if (security.length > 0 && !isAlias && !operation.tags.includes(tagOfReceivers)) {
        for (const scope of security.flatMap((one) => Object.values(one).flat())) {
          scopes.add(scope);
        }
        const naming = findNaming(id);
        if (naming === undefined) {
          throw new Error(`scripts/admin-operations.ts has no name for ${id}, ${method} ${path}`);
        }
        addOperation(method, path, operation, naming);
      }
    }
  }
}

function addOperation(method: string, url: string, operation: DescribedOperation, naming: Naming): void {
  const { parameters = [], requestBody, responses, summary, description } = operation;
  const ids = parameters.filter((one) => one.in === 'path').map(({ name }) => camelCase(name));
  const query = parameters.filter((one) => one.in === 'query' && one.name !== 'view');
  const body = requestBody?.content['application/json']?.schema;
  const answer = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1].content?.[
    'application/json'
  ];
  const answerType = answer === undefined ? 'void' : printNamed(chooseAnswer(answer.schema, naming), 'answer', url);
  const takes = [
    ...ids.map((id) => `${id}: string`),
    ...(body === undefined ? [] : [`body: ${printNamed(body, 'request', url)}`]),
    ...(query.length === 0 ? [] : [`query?: ${declare(naming.query ?? 'PageQuery', toObject(query), 'request')}`]),
  ];
  const call = [
    ...(method === 'get' ? [] : [`'${method.toUpperCase()}'`]),
    `path\`${url.replaceAll(/\{(\w+)\}/g, (_, id: string) => `\${${camelCase(id)}}`)}\``,
    ...(body === undefined ? [] : ['body']),
    ...(query.length === 0 ? [] : [naming.defaults ? `{ ...${JSON.stringify(naming.defaults)}, ...query }` : 'query']),
  ];
  const maker = method === 'get' ? 'read' : 'change';
  const [group = '', name = ''] = naming.name.split('.');
  groups.set(group, [
    ...(groups.get(group) ?? []),
    `${comment(`${summary}.\n${description}`)}${name}: (${takes.join(', ')}) => ${maker}<${answerType}>(${call.join(', ')}),`,
  ]);
}

/** With a cursor, scopes are answered in pages, and otherwise as a bare list. */
function chooseAnswer(schema: Schema, { defaults }: Naming): Schema {
  return defaults === undefined ? schema : (schema.anyOf?.at(-1) ?? schema);
}

function toObject(parameters: NonNullable<DescribedOperation['parameters']>): Schema {
  const properties = parameters.map(({ name, description, schema }) => [name, { ...schema, description }]);
  return { type: 'object', properties: Object.fromEntries(properties), required: [] };
}

/** Whether callers send it, who leave out what is read-only, or the server does. */
type Direction = 'request' | 'answer';

/** The type of a body or an answer. Throws if it has members and no name. */
function printNamed(schema: Schema, direction: Direction, url: string): string {
  if ((schema.items ?? schema).properties !== undefined) {
    throw new Error(`A schema of the ${direction} at ${url} has no title, from which its type would get its name`);
  }
  return print(schema, direction);
}

/** The type of a schema: its name, if it has one, after the type of that name is declared. */
function print(schema: Schema, direction: Direction): string {
  if (schema.$ref === undefined) {
    return printInline(schema, direction);
  }
  const name = schema.$ref.slice('#/components/schemas/'.length);
  const named = components.schemas[name] ?? {};
  const { items, pages, succeeded } = named.properties ?? {};
  if (items?.items !== undefined && pages !== undefined) {
    return `Page<${print(items.items, direction)}>`;
  }
  if (succeeded?.items !== undefined) {
    return `BulkAnswer<${print(succeeded.items, direction)}>`;
  }
  return declare(name, named, direction);
}

/** Declares the type of the schema under this name, and returns the name. */
function declare(name: string, schema: Schema, direction: Direction): string {
  const text = `export interface ${name} ${printInline(schema, direction)}`;
  if ((types.get(name) ?? text) !== text) {
    throw new Error(`scripts/admin-operations.ts gives the name ${name} to two types`);
  }
  types.set(name, text);
  return name;
}

function printInline(schema: Schema, direction: Direction): string {
  const { anyOf, items, properties, additionalProperties, required = [] } = schema;
  if ('const' in schema) {
    return JSON.stringify(schema.const);
  }
  if (schema.type === 'array' && items !== undefined) {
    const element = print(items, direction);
    return /\W/.test(element) ? `(${element})[]` : `${element}[]`;
  }
  if (schema.enum !== undefined || anyOf !== undefined) {
    const members =
      schema.enum?.map((value) => JSON.stringify(value)) ?? anyOf?.map((one) => print(one, direction)) ?? [];
    return members.join(' | ');
  }
  if (properties !== undefined) {
    const given = Object.entries(properties).filter(([, { readOnly = false }]) => direction === 'answer' || !readOnly);
    const members = given.map(([name, member]) => {
      const mark = required.includes(name) ? '' : '?';
      return `${comment(member.description ?? '')}${JSON.stringify(name)}${mark}: ${print(member, direction)};`;
    });
    const others = additionalProperties === true ? ['[name: string]: unknown;'] : [];
    return `{\n${[...members, ...others].join('\n')}\n}`;
  }
  switch (schema.type) {
    case undefined:
      return 'unknown';
    case 'integer':
      return 'number';
    case 'object':
      return `Record<string, ${typeof additionalProperties === 'object' ? print(additionalProperties, direction) : 'unknown'}>`;
    default:
      return schema.type;
  }
}

function comment(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.length < 2 ? lines.map((line) => `/** ${line} */\n`).join('') : `/**\n * ${lines.join('\n * ')}\n */\n`;
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function format(text: string): string {
  return execFileSync('biome', ['format', '--stdin-file-path=operations.ts'], { input: text, encoding: 'utf8' });
}
