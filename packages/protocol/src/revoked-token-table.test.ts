import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RevokedToken, RevokedTokenTable } from './revoked-token-table.ts';

const jti = fc.oneof(
  fc
    .nat(200)
    .map(
      (n) =>
        `${(n * 0x0100_0000).toString(16).padStart(8, '0').slice(-8)}-0000-4000-8000-${String(n).padStart(12, '0')}`,
    ),
  fc.nat(50).map((n) => `token-${n}`),
  fc.constantFrom('', '00000000-0000-4000-8000-00000000000G', '00000000-0000-4000-8000-00000000000A'),
);
const token: fc.Arbitrary<RevokedToken> = fc.record({
  jti,
  expiresAt: fc.nat(100),
  clientId: fc.constantFrom(undefined, 'a', 'b', 'c'),
  generation: fc.constantFrom(undefined, 0, 1, 2 ** 40),
});
const step = fc.oneof(
  { weight: 8, arbitrary: token.map((added) => ({ added })) },
  { weight: 1, arbitrary: fc.nat(100).map((expired) => ({ expired })) },
  { weight: 1, arbitrary: fc.constantFrom(undefined, 'a', 'b').map((client) => ({ client })) },
  { weight: 1, arbitrary: fc.record({ first: fc.nat(300), end: fc.nat(300), expiredThere: fc.nat(100) }) },
);

test('whatever is added and removed, it holds what a map would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2_000, size: 'max' }), (steps) => {
      const table = new RevokedTokenTable();
      const map = new Map<string, RevokedToken>();
      for (const one of steps) {
        if ('added' in one) {
          expect(table.at(table.add(one.added))).toEqual(one.added);
          map.set(one.added.jti, one.added);
        } else if ('expired' in one) {
          table.remove((expiresAt) => expiresAt < one.expired);
          for (const { jti, expiresAt } of [...map.values()]) {
            if (expiresAt < one.expired) {
              map.delete(jti);
            }
          }
        } else if ('first' in one) {
          const inRows = Array.from({ length: table.rows }, (_, row) => table.at(row)).slice(one.first, one.end);
          table.removeBetween(one.first, one.end, (expiresAt) => expiresAt < one.expiredThere);
          for (const token of inRows) {
            if (token !== undefined && token.expiresAt < one.expiredThere) {
              map.delete(token.jti);
            }
          }
        } else {
          table.removeOfClient(one.client, (_expiresAt, generation) => generation < 2);
          for (const { jti, clientId, generation } of [...map.values()]) {
            if (clientId === one.client && generation !== undefined && generation < 2) {
              map.delete(jti);
            }
          }
        }
        expect(table.size).toBe(map.size);
      }
      const byJti = (a: RevokedToken, b: RevokedToken) => (a.jti < b.jti ? -1 : 1);
      expect([...table.values()].sort(byJti)).toEqual([...map.values()].sort(byJti));
      for (const { jti } of map.values()) {
        expect(table.has(jti)).toBe(true);
      }
      expect(table.has('ffffffff-0000-4000-8000-000000000000')).toBe(false);
      const counts = Map.groupBy(map.values(), ({ clientId }) => clientId);
      expect(new Map([...table.counts()].map(({ clientId, count }) => [clientId, count]))).toEqual(
        new Map([...counts].map(([clientId, tokens]) => [clientId, tokens.length])),
      );
    }),
    { numRuns: 60 },
  );
});

test('it holds many thousands, and finds each of them and no other', () => {
  const table = new RevokedTokenTable();
  const idOf = (n: number) => {
    const hex = createHash('sha256').update(String(n)).digest('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
  };
  for (let n = 0; n < 20_000; n += 1) {
    table.add({ jti: idOf(n), expiresAt: n, clientId: `client-${n % 7}`, generation: 1 });
  }
  table.remove((expiresAt) => expiresAt % 3 === 0);
  const found = Array.from({ length: 20_100 }, (_, n) => n).filter((n) => table.has(idOf(n)));
  expect(found).toEqual(Array.from({ length: 20_000 }, (_, n) => n).filter((n) => n % 3 !== 0));
  expect(table.size).toBe(found.length);
});

test('most or all of its tokens can be removed at once, and what remains stays in its row', () => {
  const table = new RevokedTokenTable();
  const jtis = Array.from({ length: 3_000 }, (_, n) => (n % 10 === 0 ? `token-${n}` : randomUUID()));
  const rows = jtis.map((jti, n) => table.add({ jti, expiresAt: n, clientId: `client-${n % 7}`, generation: n }));
  table.remove((_expiresAt, generation) => generation % 5 !== 0);
  const remaining = jtis.map((jti, n) => ({ jti, n })).filter(({ n }) => n % 5 === 0);
  expect(remaining.map(({ jti }) => table.find(jti))).toEqual(remaining.map(({ n }) => rows[n]));
  table.removeOfClient('client-0', () => true);
  const kept = remaining.filter(({ n }) => n % 7 !== 0).map(({ n }) => n);
  expect([...table.values()].map(({ expiresAt }) => expiresAt)).toEqual(kept);
  table.remove(() => true);
  expect([table.size, table.rows, [...table.counts()]]).toEqual([0, 0, []]);
  table.add({ jti: 'again', expiresAt: 1, clientId: undefined, generation: undefined });
  expect(table.has('again')).toBe(true);
});
