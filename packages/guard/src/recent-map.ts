/** What was computed recently from a text, so that it is not computed again: verified tokens, decoded headers, keys of proofs. RFC 9068 §4. */

/**
 * Keeps the values that were used last, by their text, in two halves. A value that is used moves to the recent half; when
 * that is full, it becomes the older half, whose values are dropped. So a lookup in the recent half writes nothing.
 */
export class RecentMap<Value> {
  readonly #halfSize: number;
  #recent = new Map<string, Value>();
  #older = new Map<string, Value>();

  /** `size` is the maximum number of values. */
  constructor(size: number) {
    this.#halfSize = Math.ceil(size / 2);
  }

  find(text: string): Value | undefined {
    const recent = this.#recent.get(text);
    if (recent !== undefined) {
      return recent;
    }
    const older = this.#older.get(text);
    if (older !== undefined) {
      this.add(text, older);
    }
    return older;
  }

  add(text: string, value: Value): void {
    if (this.#recent.size >= this.#halfSize) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(text, value);
  }
}
