/** A count that may be too high, and never too low. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountSketch } from './count-sketch.ts';

const digestOf = (key: number) => createHash('sha256').update(String(key)).digest();

test('whatever is added and taken back, no estimate is below the count, and without collisions it is the count', () => {
  const steps = fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 500 });
  fc.assert(
    fc.property(steps, (changes) => {
      const sketch = new CountSketch();
      const counts = new Map<number, number>();
      for (const [key, isAdded] of changes) {
        const count = counts.get(key) ?? 0;
        if (isAdded || count > 0) {
          counts.set(key, count + (isAdded ? 1 : -1));
          sketch.add(digestOf(key), isAdded ? 1 : -1);
        }
      }
      for (const [key, count] of counts) {
        expect(sketch.estimate(digestOf(key))).toBeGreaterThanOrEqual(count);
      }
    }),
    { numRuns: 20 },
  );
});

test('250,000 other keys make an estimate a few too high, far below any limit', () => {
  const sketch = new CountSketch();
  for (let key = 0; key < 250_000; key += 1) {
    sketch.add(digestOf(key), 1);
  }
  const excess = Array.from({ length: 200 }, (_, index) => sketch.estimate(digestOf(-1 - index)));
  expect(Math.max(...excess)).toBeLessThan(10);
});
