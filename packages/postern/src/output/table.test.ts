/** Tables on terminals of different widths. */
import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

const titles = ['id', 'name', 'created'];
const rows = [
  ['r8O445tXXCjyi1GYeIbPRD', 'billing of the whole company', '2026-11-01T10:00:00.000Z'],
  ['short', null, '2026-11-01T10:00:00.000Z'],
];
const longest = (text: string) => Math.max(...text.split('\n').map(({ length }) => length));

test('if it is not on a terminal, a table is as wide as its content', () => {
  const text = formatTable(titles, rows);
  expect(text.split('\n')).toHaveLength(4);
  expect(text).toContain('r8O445tXXCjyi1GYeIbPRD  billing of the whole company  2026-11-01T10:00:00.000Z\n');
});

test.each([78, 70, 60, 50])('in %d columns cells continue on the next line, and ids stay whole', (width) => {
  const text = formatTable(titles, rows, width);
  expect(longest(text)).toBeLessThanOrEqual(width);
  expect(text).toMatch(/^r8O445tXXCjyi1GYeIbPRD {2}billing/m);
  for (const word of ['billing', 'of', 'the', 'whole', 'company', '2026-11-01', '10:00:00.000Z', '-']) {
    expect(text).toContain(word);
  }
});

test('if ids and words do not fit side by side, each row becomes lines of its own, of which nothing is cut off', () => {
  const text = formatTable(titles, rows, 30);
  expect(text).toBe(
    [
      'id       r8O445tXXCjyi1GYeIbPRD',
      'name     billing of the whole company',
      'created  2026-11-01T10:00:00.000Z',
      '',
      'id       short',
      'name     -',
      'created  2026-11-01T10:00:00.000Z',
      '',
    ].join('\n'),
  );
});

test('scopes and addresses break after their parts', () => {
  const text = formatTable(['key', 'identifier'], [['a', 'https://billing.example.com/version/one invoice:read']], 32);
  expect(longest(text)).toBeLessThanOrEqual(32);
  expect(text.replaceAll(/\n\s*/g, '')).toContain('https://billing.example.com/version/one');
});
