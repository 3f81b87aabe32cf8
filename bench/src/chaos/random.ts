/** Random numbers from a seed, so that a run can be repeated: everything that a run chooses comes from here. */

export interface Random {
  /** At least 0 and less than 1. */
  next(): number;
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number;
  /** Whether something of that probability happens. */
  chance(probability: number): boolean;
  /** One of the values. Throws if there are none. */
  pick<T>(values: readonly T[]): T;
  /** At most `count` of the values, in random order. */
  sample<T>(values: readonly T[], count: number): T[];
  /** Another sequence, which depends on the seed and the name only, and not on how much was drawn here. */
  fork(name: string): Random;
}

/** The generator mulberry32. It is not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  const pick = <T>(values: readonly T[]): T => {
    if (values.length === 0) {
      throw new RangeError('there is nothing to pick from');
    }
    return values[between(0, values.length - 1)] as T;
  };
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick,
    sample(values, count) {
      const rest = [...values];
      return Array.from(
        { length: Math.min(count, rest.length) },
        () => rest.splice(between(0, rest.length - 1), 1)[0] as (typeof rest)[number],
      );
    },
    fork: (name) => createRandom([...name].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), seed)),
  };
}
