/** Which rule decides about a method and a path. */
import { describe, expect, test } from 'vitest';
import { type Rule, RuleTable, rulePathPattern } from './rule-table.ts';

function tableOf(...rules: [path: string, needs: Rule['needs'], methods?: string[]][]): RuleTable {
  const table = new RuleTable();
  for (const [path, needs, methods] of rules) {
    expect(table.add({ path, methods, needs })).toBeUndefined();
  }
  return table;
}

const found = (table: RuleTable, method: string, ...readings: string[]) => {
  const requirement = table.find(method, readings);
  return requirement && (requirement.isPublic ? 'public' : requirement.scope);
};

describe('the most specific path decides, in whatever order the rules are', () => {
  const rules: [string, Rule['needs'], string[]?][] = [
    ['/**', ['all']],
    ['/invoices/{id}', ['read'], ['GET']],
    ['/invoices/{id}', ['write'], ['PUT', 'DELETE']],
    ['/invoices/export', ['export']],
    ['/invoices/{id}/lines', ['lines']],
    ['/invoices/export/**', ['archive']],
    ['/health', 'public'],
    ['/any', []],
  ];
  test.each([rules, rules.toReversed()])('%#', (...either) => {
    const table = tableOf(...either);
    expect(found(table, 'GET', '/invoices/7')).toBe('read');
    expect(found(table, 'HEAD', '/invoices/7')).toBe('read');
    expect(found(table, 'PUT', '/invoices/7')).toBe('write');
    expect(found(table, 'GET', '/invoices/export')).toBe('export');
    expect(found(table, 'GET', '/invoices/7/lines')).toBe('lines');
    expect(found(table, 'GET', '/invoices/export/lines')).toBe('archive');
    expect(found(table, 'GET', '/health')).toBe('public');
    expect(found(table, 'GET', '/any')).toBe('');
    expect(found(table, 'GET', '/')).toBe('all');
    expect(found(table, 'GET', '/invoices')).toBe('all');
    expect(found(table, 'GET', '/invoices/7/lines/2')).toBe('all');
  });

  test('a method that it does not name is refused, although a less specific path allows it', () => {
    expect(found(tableOf(...rules), 'POST', '/invoices/7')).toBeUndefined();
  });
});

test('a path without a rule is refused', () => {
  const table = tableOf(['/invoices/{id}', ['read']]);
  for (const path of [
    '/',
    '/invoices',
    '/invoices//',
    '/invoices/7/',
    '/invoices/7/x',
    '/invoices/7//',
    '/Invoices/7',
  ]) {
    expect(found(table, 'GET', path), path).toBe(path === '/invoices/7/' ? 'read' : undefined);
  }
});

test('a prefix has the path itself and everything below', () => {
  const table = tableOf(['/files/**', ['files']]);
  for (const path of ['/files', '/files/', '/files/a', '/files/a/b', '/files//a']) {
    expect(found(table, 'GET', path)).toBe('files');
  }
  expect(found(table, 'GET', '/filesystem')).toBeUndefined();
});

test('a request needs what each of its readings needs, and none may be without a rule', () => {
  const table = tableOf(['/{page}', 'public'], ['/admin', ['admin']], ['/a/b', ['deep']]);
  expect(found(table, 'GET', '/%61dmin', '/admin')).toBe('admin');
  expect(found(table, 'GET', '/a%2fb', '/a/b')).toBe('deep');
  expect(found(table, 'GET', '/a%2fc', '/a/c')).toBeUndefined();
});

test('another case and a format at the end need what the rule for the path without them needs', () => {
  const table = tableOf(['/{page}', ['read']], ['/Admin', ['admin']], ['/report.json', 'public', ['GET']]);
  expect(found(table, 'GET', '/ADMIN')).toBe('read admin');
  expect(found(table, 'GET', '/Admin.json')).toBe('read admin');
  expect(found(table, 'GET', '/admin.tar.gz')).toBe('read admin');
  expect(found(table, 'GET', '/help.html')).toBe('read');
  expect(found(table, 'GET', '/report.json')).toBe('public');
  expect(found(table, 'POST', '/REPORT.json')).toBeUndefined();
});

test('rules that contradict each other are reported', () => {
  const table = tableOf(['/a/{x}', ['read'], ['GET']], ['/b', ['read']]);
  expect(table.add({ path: '/a/{y}', methods: ['PUT', 'GET'], needs: 'public' })).toBe('has another rule for GET');
  expect(table.add({ path: '/b/', methods: undefined, needs: 'public' })).toBe(
    'has another rule that names no methods',
  );
  expect(table.add({ path: '/B', methods: ['GET'], needs: 'public' })).toContain('case of letters');
});

test('the path of a rule can be read in one way only', () => {
  for (const path of ['/', '/a', '/a/', '/a/{id}', '/a/**', '/**', '/.well-known/x', '/v1/a:b', '/{a}/{b-c}/d.json']) {
    expect(rulePathPattern.test(path), path).toBe(true);
  }
  const invalid = [
    '',
    'a',
    '//',
    '/a//b',
    '/a/../b',
    '/a/.',
    '/a.',
    '/a%20b',
    '/a b',
    '/ü',
    '/a;b',
    '/a/*',
    '/*/b',
    '/**/b',
  ];
  for (const path of [...invalid, '/a/{id}.pdf', '/{}', '/a?b', '/a#b', '/a\\b', '/a/**/', '**', '/a**']) {
    expect(rulePathPattern.test(path), path).toBe(false);
  }
});
