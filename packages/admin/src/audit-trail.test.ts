/** What an event changed, by the events before it. */
import { expect, test } from 'vitest';
import {
  type AuditEvent,
  csvHead,
  hasMembers,
  memberChanges,
  membersIn,
  remarksOn,
  toCsvLines,
} from './audit-trail.ts';

let sequence = 0;
function event(kind: AuditEvent['kind'], data: AuditEvent['data']): AuditEvent {
  sequence += 1;
  return { sequence, occurred_at: '2026-11-01T00:00:00.000Z', actor: 'a', kind, subject: 's', data, hash: 'h' };
}

test('a change of some members keeps the others, and what was asked for but was so already is no change', () => {
  const earlier = [
    event('client.created', { name: 'a', scopes: ['x:y'] }),
    event('client.revoked', { status: { generation: 1 } }),
    event('client.updated', { description: 'b' }),
  ];
  const update = event('client.updated', {
    name: 'c',
    scopes: ['x:y'],
    description: null,
    status: {},
    actor_name: 'Ada',
  });
  expect(memberChanges(update, earlier)).toEqual([
    { name: 'name', before: 'a', after: 'c' },
    { name: 'description', before: 'b', after: null },
  ]);
});

test('what an event says of the change as a whole is no member of the thing, and is said in words', () => {
  const created = event('client.created', { name: 'a', initial_access_token_id: 'iat' });
  const update = event('client.updated', {
    scopes: [],
    status: {},
    narrowed: true,
    reenabled: true,
    changed_credentials: ['public-key', 'a kind of a newer server'],
  });
  expect(memberChanges(update, [created])).toEqual([{ name: 'scopes', before: undefined, after: [] }]);
  expect([membersIn(created), membersIn(update)]).toEqual([['name'], ['scopes']]);
  const revoked = event('client.revoked', { status: { generation: 1 } });
  expect([membersIn(revoked), hasMembers(revoked), hasMembers(update)]).toEqual([[], false, true]);
  expect(remarksOn(created)).toEqual(['It registered itself with the initial access token iat.']);
  expect(remarksOn(update)).toEqual([
    'Tokens of the client lost something: they were revoked, or may do less.',
    'The client was disabled before, and is enabled again.',
    'It authenticates by something else: public keys, a kind of a newer server.',
  ]);
});

test('what is saved replaces all members, and a deletion ends all, until the thing is created again', () => {
  const saved = event('resource.saved', { identifier: 'i', scopes: ['a'] });
  const savedAgain = event('resource.saved', { identifier: 'i', signing_alg: 'ES256' });
  const deleted = event('resource.deleted', {});
  expect(memberChanges(savedAgain, [saved])).toEqual([
    { name: 'scopes', before: ['a'], after: undefined },
    { name: 'signing_alg', before: undefined, after: 'ES256' },
  ]);
  expect(memberChanges(deleted, [saved, savedAgain])).toEqual([
    { name: 'identifier', before: 'i', after: undefined },
    { name: 'signing_alg', before: 'ES256', after: undefined },
  ]);
  expect(memberChanges(saved, [saved, deleted]).map(({ before }) => before)).toEqual([undefined, undefined]);
});

test('RFC 4180 §2 a cell of CSV is quoted, and no spreadsheet runs it as a formula', () => {
  const named = { ...event('client.created', { name: '"' }), actor_name: '=1+1', subject_name: null };
  expect(toCsvLines([named])).toBe(
    `"${named.sequence}","2026-11-01T00:00:00.000Z","client.created","s","","a","'=1+1","{""name"":""\\""""}","h"\r\n`,
  );
  expect(csvHead.split(',')).toHaveLength(9);
});
