/** Whatever the API does, a verb and a page do too: the list of operations against the sources of the command and the console. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { operations } from '@postern/admin';
import { describe, expect, test } from 'vitest';
import { loadProgram } from '../src/program.ts';

interface Home {
  /** As after `postern`, or why there is none. */
  readonly verb: string | { readonly none: string };
  /** The route of the console, or why there is none. */
  readonly page: string | { readonly none: string };
}

const forPrograms = { none: 'for programs: it serves guards, and has no end' };
const bySending = (what: string) => ({ none: `done by ${what}` });

/** One row for each operation. */
const homes: Readonly<Record<string, Home>> = {
  'clients.create': { verb: 'client create', page: '/create/clients' },
  'clients.list': { verb: 'client list', page: '/clients' },
  'clients.get': { verb: 'client show', page: '/clients/:id/:part?' },
  'clients.update': { verb: 'client update', page: '/clients/:id/:part?' },
  'clients.delete': { verb: 'client delete', page: '/clients/:id/:part?' },
  'clients.revokeTokens': { verb: 'client revoke-tokens', page: '/clients/:id/:part?' },
  'clients.getScopes': { verb: bySending('client show'), page: bySending('the page of the client') },
  'clients.setScopes': { verb: bySending('client update'), page: bySending('the page of the scopes of a client') },
  'clients.getUsage': { verb: 'client usage', page: '/clients/:id/:part?' },
  'secrets.rotate': { verb: 'client rotate-secret', page: '/clients/:id/:part?' },
  'secrets.list': { verb: 'client show', page: '/clients/:id/:part?' },
  'secrets.delete': { verb: 'client delete-secret', page: '/clients/:id/:part?' },
  'scopes.list': { verb: 'scope list', page: '/scopes' },
  'scopes.save': { verb: 'scope set', page: '/scopes' },
  'scopes.get': { verb: 'scope show', page: '/scopes' },
  'scopes.delete': { verb: 'scope delete', page: '/scopes' },
  'initialAccessTokens.create': { verb: 'initial-access-token create', page: '/initial-access-tokens' },
  'initialAccessTokens.list': { verb: 'initial-access-token list', page: '/initial-access-tokens' },
  'initialAccessTokens.get': {
    verb: 'initial-access-token show',
    page: bySending('the list of initial access tokens, which has all members'),
  },
  'initialAccessTokens.delete': { verb: 'initial-access-token delete', page: '/initial-access-tokens' },
  'clientDocuments.list': { verb: 'client-document list', page: '/client-documents' },
  'clientDocuments.get': {
    verb: 'client-document show',
    page: bySending('the list of client documents, which has all members'),
  },
  'clientDocuments.reject': { verb: 'client-document reject', page: '/client-documents' },
  'resources.list': { verb: 'resource list', page: '/resources' },
  'resources.save': { verb: 'resource set', page: '/resources' },
  'resources.get': { verb: 'resource show', page: '/resources' },
  'resources.delete': { verb: 'resource delete', page: '/resources' },
  'issuers.list': { verb: 'issuer list', page: '/issuers' },
  'issuers.save': { verb: 'issuer set', page: '/create/issuers' },
  'issuers.get': { verb: 'issuer show', page: '/issuers/:key' },
  'issuers.delete': { verb: 'issuer delete', page: '/issuers/:key' },
  'authorizationDetailsTypes.list': { verb: 'details-type list', page: '/details-types' },
  'authorizationDetailsTypes.save': { verb: 'details-type set', page: '/details-types' },
  'authorizationDetailsTypes.get': { verb: 'details-type show', page: '/details-types' },
  'authorizationDetailsTypes.delete': { verb: 'details-type delete', page: '/details-types' },
  'clientPolicies.list': { verb: 'client-policy list', page: '/client-policies' },
  'clientPolicies.save': { verb: 'client-policy set', page: '/client-policies' },
  'clientPolicies.get': { verb: 'client-policy show', page: '/client-policies' },
  'clientPolicies.delete': { verb: 'client-policy delete', page: '/client-policies' },
  'policies.list': { verb: 'policy list', page: '/policies' },
  'policies.save': { verb: 'policy set', page: '/policies' },
  'policies.get': { verb: 'policy show', page: '/policies/:key' },
  'policies.delete': { verb: 'policy delete', page: '/policies/:key' },
  'rules.list': { verb: bySending('policy show'), page: bySending('the page of the policy') },
  'rules.save': { verb: 'policy set', page: '/policies/:key' },
  'rules.get': { verb: bySending('policy show'), page: bySending('the page of the policy') },
  'rules.delete': { verb: 'policy set', page: '/policies/:key' },
  'targets.save': { verb: 'policy set', page: '/policies/:key' },
  'targets.delete': { verb: 'policy set', page: '/policies/:key' },
  'storage.list': { verb: 'storage list', page: '/storage' },
  'storage.save': { verb: 'storage set', page: '/storage' },
  'storage.get': { verb: 'storage show', page: '/storage' },
  'storage.delete': { verb: 'storage delete', page: '/storage' },
  'batch.apply': { verb: 'apply', page: bySending('each page, one change at a time') },
  'usage.listUnusedScopes': { verb: 'client unused-scopes', page: '/' },
  'failures.list': { verb: 'failures', page: '/failures' },
  'roles.list': { verb: 'role list', page: '/roles' },
  'roles.get': { verb: 'role show', page: bySending('the list of roles, which has all members') },
  'roles.save': { verb: 'role set', page: '/roles' },
  'roles.delete': { verb: 'role delete', page: '/roles' },
  'people.list': { verb: 'person list', page: '/people' },
  'streams.list': { verb: 'stream list', page: '/streams' },
  'streams.get': { verb: 'stream show', page: bySending('the list of event streams, which has all members') },
  'streams.delete': { verb: 'stream delete', page: '/streams' },
  'tokens.whoami': { verb: 'whoami', page: bySending('the head of every page, from the token') },
  'statistics.get': { verb: 'statistics', page: '/' },
  'keys.list': { verb: 'key list', page: '/keys' },
  'keys.rotate': { verb: 'key rotate', page: '/keys' },
  'keys.delete': { verb: 'key delete', page: '/keys' },
  'keys.revoke': { verb: 'key revoke', page: '/keys' },
  'revocations.read': { verb: forPrograms, page: forPrograms },
  'events.list': { verb: 'audit tail', page: '/audit' },
  'events.getHead': { verb: 'audit verify', page: bySending('the checkpoint') },
  'events.getCheckpoint': { verb: 'audit checkpoint', page: '/audit' },
  'tokens.explain': { verb: 'explain', page: '/inspector' },
  'tokens.revoke': { verb: 'kill', page: '/token-trees' },
  'tokens.previewRevocation': { verb: 'kill', page: '/token-trees' },
  'tokens.revokeAll': { verb: 'revoke-all-tokens', page: '/keys' },
};

const names = Object.entries(operations).flatMap(([group, members]) =>
  Object.keys(members).map((member) => `${group}.${member}`),
);

function sourcesOf(folder: string): string {
  const root = fileURLToPath(new URL(folder, import.meta.url));
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test)\.tsx?$/.test(name))
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n');
}

const command = sourcesOf('../src');
const pages = sourcesOf('../../console/src');

/** Functions of @postern/admin that call an operation. */
const callers: Readonly<Record<string, string>> = { 'tokens.previewRevocation': 'findTokenTree' };

/** By itself, by a function that calls it, or as a group of operations that a helper takes. */
function uses(source: string, name: string): boolean {
  const [group = '', member = ''] = name.split('.');
  return (
    new RegExp(`\\b(?:admin|operations)\\s*\\.${group}\\s*\\.${member}\\b`).test(source) ||
    new RegExp(`operations\\.${group}\\b(?!\\.)`).test(source) ||
    (callers[name] !== undefined && source.includes(`${callers[name]}(`))
  );
}

test('every operation of the API has a row, and no row is left of one that is gone', () => {
  expect(Object.keys(homes).toSorted()).toEqual(names.toSorted());
});

describe.each(Object.entries(homes))('%s', (name, { verb, page }) => {
  test.runIf(typeof verb === 'string')(`is done by postern ${typeof verb === 'string' ? verb : ''}`, async () => {
    let found = await loadProgram(String(verb).split(' ')[0]);
    for (const part of String(verb).split(' ')) {
      const next = found.commands.find((one) => one.name() === part);
      expect(next, `the verb ${part}`).toBeDefined();
      found = next ?? found;
    }
    expect(uses(command, name)).toBe(true);
  });

  test.runIf(typeof page === 'string')(`is done on the page ${typeof page === 'string' ? page : ''}`, () => {
    expect(pages).toContain(`<Route path="${page}"`);
    expect(uses(pages, name)).toBe(true);
  });
});

test('every member of a client has an option of the command, and a field on its page', async () => {
  const declared = readFileSync(fileURLToPath(new URL('../../admin/src/operations.ts', import.meta.url)), 'utf8');
  const [, body = ''] = /export interface ClientBody \{\n([\s\S]*?)\n\}/.exec(declared) ?? [];
  const members = [...body.matchAll(/^ {2}([a-z_]+)\?:/gm)].map(([, member = '']) => member);
  expect(members.length).toBeGreaterThan(15);
  const options = readFileSync(fileURLToPath(new URL('../src/client/client-options.ts', import.meta.url)), 'utf8');
  // `postern client enable` and `disable`.
  expect(members.filter((member) => member !== 'enabled' && !options.includes(`  ${member}: [`))).toEqual([]);
  expect(members.filter((member) => !new RegExp(`\\b${member}\\b`).test(pages))).toEqual([]);
});

/** The rows of the table in the manual, by the verb and its options. */
const jobs = [
  ...readFileSync(fileURLToPath(new URL('../../../docs/console.md', import.meta.url)), 'utf8').matchAll(
    /^\| ([^|]+) \| ([^|]+) \| `postern ([^`]+)` \|$/gm,
  ),
].map(([, job = '', clicks = '', line = '']) => ({ job, clicks, line }));

test('the manual lists thirty jobs, each with its clicks and its verb', () => {
  expect(jobs).toHaveLength(30);
});

test.each(jobs)('the command for the job exists with its options: $job', async ({ line }) => {
  const words = line.split(' ');
  let verb = await loadProgram(words[0]);
  for (let next = verb; next !== undefined; ) {
    verb = next;
    const word = words[0];
    next = verb.commands.find((one) => one.name() === word) as typeof verb;
    words.splice(0, next === undefined ? 0 : 1);
  }
  const known = verb.options.map(({ long }) => long);
  expect(words.filter((word) => word.startsWith('--') && !known.includes(word))).toEqual([]);
  expect(verb.commands).toEqual([]);
});

test.each(jobs)('the first page of the clicks is in the navigation or on the page of a client: $job', ({ clicks }) => {
  const [first = ''] = clicks.split(/ ›|:/);
  expect(first === 'the client' || pages.includes(`title: '${first}'`)).toBe(true);
});
