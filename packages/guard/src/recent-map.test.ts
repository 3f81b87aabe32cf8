/** The map of what was used recently: it keeps what was used last, within its size. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentMap } from './recent-map.ts';

test('finds only what was added under that text, and never keeps more than its size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }),
      (size, uses) => {
        const map = new RecentMap<{ text: string }>(size);
        for (const use of uses) {
          const found = map.find(`${use}`);
          expect(found?.text ?? `${use}`).toBe(`${use}`);
          if (found === undefined) {
            map.add(`${use}`, { text: `${use}` });
          }
          expect(map.find(`${use}`)).toBeDefined();
        }
        const kept = Array.from({ length: 21 }, (_, i) => map.find(`${i}`)).filter((found) => found !== undefined);
        expect(kept.length).toBeLessThanOrEqual(size + 1);
      },
    ),
  );
});

test('keeps a value that is used again and again', () => {
  const map = new RecentMap<object>(10);
  const mine = {};
  map.add('mine', mine);
  for (let i = 0; i < 100; i += 1) {
    map.add(`${i}`, {});
    expect(map.find('mine')).toBe(mine);
  }
});
