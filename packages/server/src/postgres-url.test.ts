/** The URL of PostgreSQL means what it means to libpq, and what is unknown in it is refused by its name. */
import { describe, expect, test } from 'vitest';
import { findNearMiss } from './near-miss.ts';
import { describePostgres, parsePostgresUrl } from './postgres-url.ts';

const parse = (url: string) => parsePostgresUrl(url, (fault) => new Error(fault));
const hostsOf = (url: string) => parse(url).servers.map(({ ways: [{ host, port }] }) => [host, port]);

describe('hosts', () => {
  test.each<[string, unknown[]]>([
    ['postgres://a@one/b', [['one', undefined]]],
    [
      'postgresql://a@one:1,two:2,[::1]:3/b',
      [
        ['one', 1],
        ['two', 2],
        ['::1', 3],
      ],
    ],
    [
      'postgres://a@/b?host=one,two&port=1,2',
      [
        ['one', 1],
        ['two', 2],
      ],
    ],
    ['postgres://a@/b?host=/var/run/postgresql', [['/var/run/postgresql', undefined]]],
    ['postgres://a@%2Fvar%2Frun:6432/b', [['/var/run', 6432]]],
  ])('%s', (url, hosts) => {
    expect(hostsOf(url)).toEqual(hosts);
  });
});

test.each<[string, unknown[]]>([
  ['', [{ rejectUnauthorized: false }, false]],
  ['?sslmode=disable', [false]],
  ['?sslmode=allow', [false, { rejectUnauthorized: false }]],
  ['?sslmode=require', [{ rejectUnauthorized: false }]],
  ['?sslmode=verify-full', [{}]],
  ['?sslrootcert=system', [{}]],
])('TLS with %j', (query, expected) => {
  expect(parse(`postgres://a@one/b${query}`).servers[0]?.ways.map(({ ssl }) => ssl)).toEqual(expected);
});

test.each<[string, RegExp]>([
  ['sslmod=require', /parameter sslmod .* did you mean sslmode\?/],
  ['search_path=auth', /parameter search_path .* options=-c%20search_path/],
  ['connect_timeout=3', /parameter connect_timeout .* POSTERN_DATABASE_TIMEOUT_MS/],
  ['channel_binding=require', /parameter channel_binding .* sslmode=verify-full/],
  ['application=x', /parameter application .* remove it/],
  ['sslmode=on', /sslmode=on is not one of/],
  ['sslmode=verify-ca', /needs sslrootcert/],
  ['sslrootcert=/nothing/ca.crt', /cannot read \/nothing\/ca\.crt, which sslrootcert names \(ENOENT\)/],
  ['sslcert=/a', /sslcert and sslkey belong together/],
  ['target_session_attrs=standby', /Postern writes/],
])('%s is refused', (query, fault) => {
  expect(() => parse(`postgres://a:hidden@one/b?${query}`)).toThrow(fault);
});

test.each([
  'postgres://a:hid#den@one/b',
  'postgres://a:hid/den@one/b',
  'postgres://a:hid?den@one/b',
  'postgres://a:hidden@one:0/b',
])('no fault repeats the password: %s', (url) => {
  expect(() => parse(url)).toThrow(/%23/);
  expect(() => parse(url)).not.toThrow(/hid|den/);
});

test('a database is described without user and password', () => {
  expect(describePostgres('postgres://a:hidden@one:1,two/b?sslmode=require')).toBe('PostgreSQL at one:1,two/b');
});

test('a near miss is a letter or two', () => {
  const known = ['DATABASE_URL', 'HOST', 'POSTERN_ISSUER'];
  expect(
    ['DATABSE_URL', 'POSTERN_ISUER', 'HOST', 'HOME', 'PATH', 'POSTERN_SERVER'].map((name) => findNearMiss(name, known)),
  ).toEqual(['DATABASE_URL', 'POSTERN_ISSUER', undefined, undefined, undefined, undefined]);
});
