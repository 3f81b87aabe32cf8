/** Overlap of data categories, checked against the tree of the taxonomy itself. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataCategories } from './data-categories.ts';
import { findOverlap, overlap } from './overlap.ts';

const all = [...dataCategories];
const category = fc.constantFrom(...all);

const parentOf = (key: string) => (key.includes('.') ? key.slice(0, key.lastIndexOf('.')) : undefined);

/** The category and all above it, by walking up the tree. */
function lineage(key: string): string[] {
  const parent = parentOf(key);
  return parent === undefined ? [key] : [key, ...lineage(parent)];
}

describe('the taxonomy', () => {
  test('has the 85 keys, each with its parent', () => {
    expect(dataCategories.size).toBe(85);
    expect(all.filter((key) => !/^[a-z_]+(\.[a-z_]+)*$/.test(key))).toEqual([]);
    expect(all.map(parentOf).filter((parent) => parent !== undefined && !dataCategories.has(parent))).toEqual([]);
  });
});

describe('overlap', () => {
  test('is being the same or an ancestor, and not a prefix in letters only', () => {
    expect(overlap('user.contact', 'user.contact')).toBe(true);
    expect(overlap('user.contact', 'user.contact.email')).toBe(true);
    expect(overlap('user.contact.email', 'user')).toBe(true);
    expect(overlap('user.device.cookie', 'user.device.cookie_id')).toBe(false);
    expect(overlap('user.contact.email', 'user.contact.url')).toBe(false);
  });

  test('agrees with the tree, either way round', () => {
    fc.assert(
      fc.property(category, category, (one, other) => {
        const related = lineage(one).includes(other) || lineage(other).includes(one);
        expect(overlap(one, other)).toBe(related);
        expect(overlap(other, one)).toBe(related);
      }),
    );
  });
});

describe('findOverlap', () => {
  test('finds a pair exactly where there is one', () => {
    fc.assert(
      fc.property(fc.array(category, { maxLength: 12 }), (categories) => {
        const clash = categories.some((one, index) =>
          categories.some((other, place) => place !== index && lineage(other).includes(one)),
        );
        const pair = findOverlap(categories);
        expect(pair !== undefined).toBe(clash);
        if (pair !== undefined) {
          expect(overlap(...pair)).toBe(true);
          expect(categories).toEqual(expect.arrayContaining([...pair]));
        }
      }),
    );
  });

  test('finds none among the leaves, and one as soon as any ancestor joins them', () => {
    const leaves = all.filter((key) => !all.some((other) => parentOf(other) === key));
    expect(findOverlap(leaves)).toBeUndefined();
    fc.assert(
      fc.property(category, (added) => {
        expect(findOverlap([...leaves, added])).toContain(added);
      }),
    );
  });
});
