/** The order of the rows of a table. */
import { expect, test } from 'vitest';
import { sortRows } from './sort-rows.ts';

const rows = [
  { id: 1, name: 'zeta', at: null, scopes: ['a', 'b'], used: true },
  { id: 2, name: 'Alpha', at: '2026-11-02T00:00:00.000Z', scopes: [], used: false },
  { id: 3, name: 'alpha 10', at: '2026-11-10T00:00:00.000Z', scopes: ['a'], used: true },
  { id: 4, name: 'alpha 9', at: null, scopes: ['a'], used: false },
];
const ids = (order: string) => sortRows(rows, order).map(({ id }) => id);

test('is that of a text in any case, of the numbers in it, of a time, of a number, and of the length of a list', () => {
  expect(ids('name')).toEqual([2, 4, 3, 1]);
  expect(ids('-id')).toEqual([4, 3, 2, 1]);
  expect(ids('-used')).toEqual([1, 3, 2, 4]);
  expect(ids('scopes')).toEqual([2, 3, 4, 1]);
});

test('has what lacks the value last in both directions, and keeps what is alike in its order', () => {
  expect(ids('at')).toEqual([2, 3, 1, 4]);
  expect(ids('-at')).toEqual([3, 2, 1, 4]);
  expect(ids('no such member')).toEqual([1, 2, 3, 4]);
});
