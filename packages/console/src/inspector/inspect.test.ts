/** Each cause for which a token is refused, told from the evidence. */
import { expect, test } from 'vitest';
import type { ReadToken } from '../session/access-token.ts';
import { type Evidence, findCause, inspectToken, type Question } from './inspect.ts';

const issuer = 'https://auth.example.com';
const now = 1_790_000_000;

const token = (claims: object = {}, header: object = {}): ReadToken => ({
  header: { typ: 'at+jwt', alg: 'ES256', kid: 'k1', ...header },
  claims: {
    iss: issuer,
    aud: issuer,
    client_id: 'c1',
    iat: now - 10,
    exp: now + 60,
    scope: 'a:read b:read',
    ...claims,
  },
  signed: '',
  signature: new Uint8Array(),
});

const evidence = (found: Partial<Evidence> = {}): Evidence => ({
  issuer,
  now,
  signature: 'good',
  client: { enabled: true, scopes: ['a:read', 'b:read', 'c:read'] },
  revokedAt: null,
  ended: null,
  accepted: true,
  ...found,
});

const question = (asked: Partial<Question> = {}): Question => ({ scope: '', audience: '', ...asked });

test('a good token passes every check', () => {
  const findings = inspectToken(token(), evidence(), question({ scope: 'b:read' }));
  expect(findings.filter(({ state }) => state !== 'good')).toEqual([]);
  expect(findCause(findings)).toBeUndefined();
});

const at = '2026-11-24T06:00:00Z';

test.each<[cause: string, token: ReadToken, evidence: Evidence, question?: Question]>([
  ['Not an access token', token({}, { typ: 'JWT' }), evidence()],
  ['Wrong issuer', token({ iss: 'https://other.example.com' }), evidence()],
  ['Wrong signature', token(), evidence({ signature: 'bad' })],
  ['Unknown key', token(), evidence({ signature: 'unknown_key' })],
  ['Expired', token({ exp: now }), evidence({ accepted: false })],
  ['No expiry', token({ exp: undefined }), evidence()],
  ['From the future', token({ iat: now + 3_600 }), evidence()],
  ['Wrong audience', token({ aud: 'https://api.example.com' }), evidence({ accepted: undefined })],
  ['Wrong audience', token(), evidence(), question({ audience: 'https://api.example.com' })],
  ['Revoked', token(), evidence({ revokedAt: at, accepted: false })],
  ['Client gone', token(), evidence({ client: null, accepted: false })],
  ['Client disabled', token(), evidence({ client: { enabled: false, scopes: [] }, accepted: false })],
  ['All tokens revoked', token(), evidence({ ended: { by: 'revocation', at }, accepted: false })],
  ['Client was disabled', token(), evidence({ ended: { by: 'disabling', at }, accepted: false })],
  ['Scope withdrawn', token(), evidence({ client: { enabled: true, scopes: ['a:read'] }, accepted: false })],
  ['The server refuses it', token(), evidence({ client: undefined, ended: undefined, accepted: false })],
  ['Scope missing', token(), evidence(), question({ scope: 'c:read' })],
  ['Scope missing', token({ scope: undefined }), evidence(), question({ scope: 'a:read' })],
])('%s', (cause, refused, found, asked = question()) => {
  expect(findCause(inspectToken(refused, found, asked))?.title).toBe(cause);
});

test('what could not be seen is said, and is no cause', () => {
  const blind = evidence({
    signature: undefined,
    client: undefined,
    revokedAt: undefined,
    ended: undefined,
    accepted: undefined,
  });
  const findings = inspectToken(token({ cnf: { jkt: 'x' } }), blind, question());
  expect(findings.filter(({ state }) => state === 'unknown').map(({ title }) => title)).toEqual([
    'Signature not checked',
    'Revocation',
    'Client',
    'Bound to a key',
  ]);
  expect(findCause(findings)).toBeUndefined();
});

test('where the server took it, what the session may not see is well', () => {
  const seenLittle = evidence({ client: undefined, revokedAt: undefined, ended: undefined });
  const findings = inspectToken(token(), seenLittle, question());
  expect(findings.filter(({ state }) => state !== 'good')).toEqual([]);
});

test('of many scopes the first ones are named', () => {
  const many = token({ scope: Array.from({ length: 12 }, (_, index) => `s${index}`).join(' ') });
  const cause = findCause(inspectToken(many, evidence({ client: undefined }), question({ scope: 'x' })));
  expect(cause?.text).toContain('It holds s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 2 more.');
});

test('one of several audiences is enough', () => {
  const both = token({ aud: [issuer, 'https://api.example.com'] });
  expect(findCause(inspectToken(both, evidence(), question({ audience: 'https://api.example.com' })))).toBeUndefined();
});
