/** How APIs read paths, and that no reading of a path passes with less than it needs. RFC 3986 §3.3 and §6.2. */
import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readingsOf } from './path-readings.ts';
import { type Requirement, RuleTable } from './rule-table.ts';

describe('a path that is written in the usual way has one reading', () => {
  test.each([
    ['/', '/'],
    ['/invoices', '/invoices'],
    ['/invoices/', '/invoices'],
    ['/invoices?path=%2e%2e//', '/invoices'],
    ['/v1/users/me@example.com:cancel', '/v1/users/me@example.com:cancel'],
    ['/files/report.v2.pdf', '/files/report.v2.pdf'],
    ['/.well-known/thing', '/.well-known/thing'],
  ])('%s', (target, reading) => {
    expect(readingsOf(target)).toEqual([reading]);
  });
});

test.each<[string, string[]]>([
  ['/files/a%20b', ['/files/a%20b', '/files/a b']],
  ['/projects/group%2Fname', ['/projects/group%2Fname', '/projects/group/name']],
  ['/files/100%25', ['/files/100%25', '/files/100%']],
  ['/matrix;color=red/x', ['/matrix;color=red/x', '/matrix/x']],
  ['/a//b', ['/a//b', '/a/b']],
  ['/a%3fb', ['/a%3fb', '/a?b', '/a']],
])('%s can be read in several ways', (target, readings) => {
  expect(readingsOf(target)?.toSorted()).toEqual(readings.toSorted());
});

describe('a path that no caller needs is refused', () => {
  test.each([
    '',
    '*',
    'example.com:443',
    'http://api.example.com/invoices',
    '?invoices',
    'invoices',
    '//api.example.com/invoices',
    '/%2fadmin',
    '/\\admin',
    '/%5cadmin',
    '/;x/admin',
    '/public/../admin',
    '/public/..',
    '/public/./admin',
    '/public/%2e%2e/admin',
    '/public/%252e%252e/admin',
    '/public/%25252e%25252e/admin',
    '/public/..%2fadmin',
    '/public/..\\admin',
    '/public/..%5cadmin',
    '/public/..;/admin',
    '/public/..%3b/admin',
    '/public/.%2e;x=y/admin',
    '/public/..%20/admin',
    '/public/.../admin',
    '/public/%e2%80%a5/admin',
    '/public/%ef%bc%8e%ef%bc%8e/admin',
    '/public/%00',
    '/public%00/admin',
    '/public/%0a',
    '/public/%7f',
    '/public/%c2%85',
    '/public/%c0%af',
    '/public/%c0%ae%c0%ae/admin',
    '/public/%ff',
    '/public/%',
    '/public/%2',
    '/public/%zz',
    '/public/%u002f',
    '/public/ü',
    '/public/a b',
    '/public/a\tb',
    '/public/%25%32%66%25%32%65%3b%20%5c//%3f;%2523%20%20',
    `/${'a'.repeat(4_096)}`,
  ])('%j', (target) => {
    expect(readingsOf(target)).toBeUndefined();
  });
});

test('a path of the longest length is read in milliseconds, whatever it consists of', () => {
  for (const part of ['.', ' ', '%20', '/', ';', '%2e', '%25', '\\', '/%2f', '.%20', ';.', 'a.', '/..', '%ef%bc%8e']) {
    const before = process.cpuUsage();
    readingsOf(`/a${part.repeat(Math.floor(4_000 / part.length))}a`);
    const { user } = process.cpuUsage(before);
    // Quadratic time would take seconds.
    expect(user / 1000, part).toBeLessThan(500);
  }
});

/** As APIs read a path before they route it. Each may throw, as an API that answers 400. */
const unquote = (path: string) => {
  const bytes = Buffer.from(path, 'latin1').toString('latin1');
  return Buffer.from(
    bytes.replaceAll(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
};
const withoutParameters = (path: string) =>
  path
    .split('/')
    .map((segment) => segment.split(';', 1)[0])
    .join('/');
const withoutQuery = (path: string) => path.split(/[?#]/, 1)[0] as string;
const apis: Readonly<Record<string, (path: string) => string>> = {
  'as it is, as Express does': (path) => path,
  'the URL of WHATWG': (path) => new URL(path, 'http://api.example.com').pathname,
  'the URL of WHATWG, decoded': (path) => decodeURIComponent(new URL(path, 'http://api.example.com').pathname),
  'WSGI and ASGI: decoded': unquote,
  'decoded twice': (path) => unquote(unquote(path)),
  'decoded, then a URL again': (path) => withoutQuery(unquote(path)),
  'Go: decoded and cleaned': (path) => posix.normalize(unquote(path)),
  'nginx: decoded, slashes merged': (path) => posix.normalize(unquote(path).replaceAll(/\/+/g, '/')),
  'servlets: parameters removed, decoded, normalized': (path) => posix.normalize(unquote(withoutParameters(path))),
  'decoded, parameters removed, normalized': (path) => posix.normalize(withoutParameters(unquote(path))),
  'all but slashes decoded': (path) => unquote(path.replaceAll(/%(?=2f|5c)/gi, '%25')),
  'IIS: backslashes and case': (path) => posix.normalize(unquote(path).replaceAll('\\', '/')).toLowerCase(),
  'files of Windows': (path) =>
    posix
      .normalize(unquote(path).replaceAll('\\', '/'))
      .split('/')
      .map((segment) => segment.replace(/[. ]+$/, ''))
      .join('/')
      .toLowerCase(),
  'in lower case, decoded twice, parameters removed': (path) =>
    withoutParameters(unquote(unquote(path)))
      .replaceAll(/\/+/g, '/')
      .toLowerCase(),
  'compatibility characters': (path) => posix.normalize(unquote(path).normalize('NFKC')),
  'with a format at the end': (path) => unquote(path).replace(/\.[a-z]+$/, ''),
};

const table = new RuleTable();
for (const [path, scope] of [
  ['/admin/**', 'admin'],
  ['/invoices/export', 'export'],
  ['/invoices/{id}', 'read'],
  ['/files/**', 'files'],
  ['/{page}', 'read'],
  ['/{page}/{part}', 'read'],
] as const) {
  expect(table.add({ path, methods: undefined, needs: [scope] })).toBeUndefined();
}

/** What an API that reads the path in this way would need, by its own routes; undefined if it has none. */
function neededBy(path: string): Requirement | undefined {
  return table.find('GET', [path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path]);
}

const parts = fc.constantFrom(
  ...['/', '//', '%2f', '%2F', '%252f', '\\', '%5c', '.', '..', '%2e', '%252e', ';', ';x=1', '%3b', '%00', '%20'],
  ...['%3f', '%23', '?', '#', '%', '%25', '%c0%af', '%ef%bc%8f', '%c5%bf', '.json', '%0d'],
  ...['admin', 'ADMIN', '%61dmin', '%2561dmin', 'adm%69n', 'invoices', 'export', 'files', 'public', 'a'],
);

test.each(Object.entries(apis))('nothing passes with less than an API needs that reads paths %s', (_name, read) => {
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 8 }), (chosen) => {
      const target = `/${chosen.join('')}`;
      const readings = readingsOf(target);
      const passesWith = readings && table.find('GET', readings);
      if (passesWith === undefined) {
        return;
      }
      let read1: string;
      try {
        read1 = read(target.split('?', 1)[0] as string);
      } catch {
        return;
      }
      const needs = neededBy(read1);
      const given = passesWith.scope.split(' ');
      // A path to which the API has no route: it answers 404.
      expect(needs === undefined || needs.scope.split(' ').every((scope) => given.includes(scope)), read1).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
