/**
 * Counts without names, in memory of a fixed size: a count-min sketch. An estimate is never below the true count, and above
 * it only by what other keys added to the same cells. Pure.
 */

/** Each key has one cell in every row, and its estimate is the smallest of them. */
const rows = 4;

/** Cells in a row, a power of two. All rows take 4 MiB. */
const width = 262_144;

export class CountSketch {
  readonly #cells = new Uint32Array(rows * width);

  /** Adds `change` to the count of a key, given as at least 16 bytes of its digest. */
  add(digest: Buffer, change: 1 | -1): void {
    for (let row = 0; row < rows; row += 1) {
      const cell = cellOf(digest, row);
      this.#cells[cell] = (this.#cells[cell] as number) + change;
    }
  }

  estimate(digest: Buffer): number {
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row < rows; row += 1) {
      least = Math.min(least, this.#cells[cellOf(digest, row)] as number);
    }
    return least;
  }
}

function cellOf(digest: Buffer, row: number): number {
  return row * width + (digest.readUInt32LE(4 * row) & (width - 1));
}
