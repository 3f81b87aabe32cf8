/**
 * Revoked tokens in little memory: about 60 bytes for each of millions, where objects take several hundred. RFC 7009 §2.2.
 *
 * The `jti` of a token is a UUID, of which its 16 bytes are kept, so that a look-up is exact; any other text is kept as it is.
 * All that is known about a token is in typed arrays, which are scanned in some milliseconds and cost the garbage collector nothing.
 */

export interface RevokedToken {
  readonly jti: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** Client and generation. Undefined if the end of its client says nothing about the token for good. */
  readonly clientId: string | undefined;
  readonly generation: number | undefined;
}

/** Whether to remove a token, by its expiry (seconds since 1970) and its generation (NaN if it has none). */
export type RemoveIf = (expiresAt: number, generation: number) => boolean;

/** Words of a row: the four of its id, the number of its client, and the next and the previous row of the same client. */
const wordsPerRow = 7;
const [clientWord, nextWord, previousWord] = [4, 5, 6];

/** Numbers of a row: expiry and generation. */
const numbersPerRow = 2;

const firstCapacity = 256;

/** Stands for no row, and for the client of a row that is free. */
const none = 0xffff_ffff;

interface ClientRows {
  readonly clientId: string | undefined;
  first: number;
  count: number;
}

export class RevokedTokenTable {
  #words = new Uint32Array(firstCapacity * wordsPerRow);
  #numbers = new Float64Array(firstCapacity * numbersPerRow);
  /** Open addressing by the first word of the id: the number of a row plus one, or 0. At most half of it is used. */
  #slots = new Uint32Array(firstCapacity * 2);
  /** The ids that are no UUIDs, by row. */
  readonly #texts = new Map<number, string>();
  readonly #clients: ClientRows[] = [];
  readonly #numberOfClient = new Map<string | undefined, number>();
  readonly #freeClients: number[] = [];
  /** Rows that were used so far, of which those in the list that begins with `#free` are free again. */
  #rows = 0;
  #free = none;
  #size = 0;
  /** The id that is looked up. */
  readonly #id = new Uint32Array(4);

  get size(): number {
    return this.#size;
  }

  /** Returns the row of a token, or undefined. It stays the same until the token is removed. */
  find(jti: string): number | undefined {
    if (this.#size === 0) {
      return undefined;
    }
    const isText = !parseId(jti, this.#id);
    const id = this.#id;
    const mask = this.#slots.length - 1;
    for (let slot = slotOf(id[0] as number, mask); this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = (this.#slots[slot] as number) - 1;
      const word = row * wordsPerRow;
      if (
        this.#words[word] === id[0] &&
        this.#words[word + 1] === id[1] &&
        this.#words[word + 2] === id[2] &&
        this.#words[word + 3] === id[3] &&
        this.#texts.get(row) === (isText ? jti : undefined)
      ) {
        return row;
      }
    }
    return undefined;
  }

  /** Whether the token is in the table. */
  has(jti: string): boolean {
    return this.find(jti) !== undefined;
  }

  /** Returns the client of the token in a row. */
  clientOf(row: number): string | undefined {
    return this.#clients[this.#words[row * wordsPerRow + clientWord] as number]?.clientId;
  }

  /** Whether a token is in the row now. */
  isTaken(row: number): boolean {
    return row < this.#rows && this.#words[row * wordsPerRow + clientWord] !== none;
  }

  /** Returns the token in a row, or undefined if none is there now. */
  at(row: number): RevokedToken | undefined {
    if (!this.isTaken(row)) {
      return undefined;
    }
    const generation = this.#numbers[row * numbersPerRow + 1] as number;
    return {
      jti: this.#texts.get(row) ?? formatId(this.#words.subarray(row * wordsPerRow, row * wordsPerRow + 4)),
      expiresAt: this.#numbers[row * numbersPerRow] as number,
      clientId: this.clientOf(row),
      generation: Number.isNaN(generation) ? undefined : generation,
    };
  }

  /** Adds a token, or replaces what is known about it. Returns its row. */
  add({ jti, expiresAt, clientId, generation }: RevokedToken): number {
    const known = this.find(jti);
    if (known !== undefined) {
      this.#remove(known);
    }
    const row = this.#takeRow();
    const isText = !parseId(jti, this.#id);
    this.#words.set(this.#id, row * wordsPerRow);
    if (isText) {
      this.#texts.set(row, jti);
    }
    this.#numbers[row * numbersPerRow] = expiresAt;
    this.#numbers[row * numbersPerRow + 1] = generation ?? Number.NaN;
    this.#link(row, clientId);
    this.#insertSlot(row);
    this.#size += 1;
    return row;
  }

  /** Removes those tokens of a client for which `isRemoved` says so. */
  removeOfClient(clientId: string | undefined, isRemoved: RemoveIf): void {
    const client = this.#clients[this.#numberOfClient.get(clientId) ?? none];
    for (let row = client?.first ?? none; row !== none; ) {
      const next = this.#words[row * wordsPerRow + nextWord] as number;
      this.#removeIf(row, isRemoved);
      row = next;
    }
  }

  /** Removes those tokens of all clients for which `isRemoved` says so. */
  remove(isRemoved: RemoveIf): void {
    for (let row = 0; row < this.#rows; row += 1) {
      if (this.isTaken(row)) {
        this.#removeIf(row, isRemoved);
      }
    }
  }

  /** The number of tokens of each client; undefined is a client like others. */
  *counts(): Generator<{ readonly clientId: string | undefined; readonly count: number }> {
    for (const number of this.#numberOfClient.values()) {
      yield this.#clients[number] as ClientRows;
    }
  }

  /** All tokens. */
  *values(): Generator<RevokedToken> {
    for (let row = 0; row < this.#rows; row += 1) {
      const token = this.at(row);
      if (token !== undefined) {
        yield token;
      }
    }
  }

  #takeRow(): number {
    if (this.#free !== none) {
      const row = this.#free;
      this.#free = this.#words[row * wordsPerRow + nextWord] as number;
      return row;
    }
    if (this.#rows * numbersPerRow === this.#numbers.length) {
      this.#grow();
    }
    this.#rows += 1;
    return this.#rows - 1;
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
    const numbers = new Float64Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let row = 0; row < this.#rows; row += 1) {
      this.#insertSlot(row);
    }
  }

  #insertSlot(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = slotOf(this.#words[row * wordsPerRow] as number, mask);
    while (this.#slots[slot] !== 0) {
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = row + 1;
  }

  #removeIf(row: number, isRemoved: RemoveIf): void {
    if (isRemoved(this.#numbers[row * numbersPerRow] as number, this.#numbers[row * numbersPerRow + 1] as number)) {
      this.#remove(row);
    }
  }

  #remove(row: number): void {
    this.#removeSlot(row);
    this.#unlink(row);
    this.#texts.delete(row);
    this.#words[row * wordsPerRow + clientWord] = none;
    this.#words[row * wordsPerRow + nextWord] = this.#free;
    this.#free = row;
    this.#size -= 1;
  }

  /** Moves back what was put behind the slot only because it was taken, so that every row is found from its first slot on. */
  #removeSlot(row: number): void {
    const mask = this.#slots.length - 1;
    let hole = slotOf(this.#words[row * wordsPerRow] as number, mask);
    while (this.#slots[hole] !== row + 1) {
      hole = (hole + 1) & mask;
    }
    for (let slot = (hole + 1) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const moved = (this.#slots[slot] as number) - 1;
      const first = slotOf(this.#words[moved * wordsPerRow] as number, mask);
      if (((slot - first) & mask) >= ((slot - hole) & mask)) {
        this.#slots[hole] = moved + 1;
        hole = slot;
      }
    }
    this.#slots[hole] = 0;
  }

  #link(row: number, clientId: string | undefined): void {
    let number = this.#numberOfClient.get(clientId);
    if (number === undefined) {
      number = this.#freeClients.pop() ?? this.#clients.length;
      this.#clients[number] = { clientId, first: none, count: 0 };
      this.#numberOfClient.set(clientId, number);
    }
    const client = this.#clients[number] as ClientRows;
    const word = row * wordsPerRow;
    this.#words[word + clientWord] = number;
    this.#words[word + nextWord] = client.first;
    this.#words[word + previousWord] = none;
    if (client.first !== none) {
      this.#words[client.first * wordsPerRow + previousWord] = row;
    }
    client.first = row;
    client.count += 1;
  }

  #unlink(row: number): void {
    const word = row * wordsPerRow;
    const number = this.#words[word + clientWord] as number;
    const client = this.#clients[number] as ClientRows;
    const next = this.#words[word + nextWord] as number;
    const previous = this.#words[word + previousWord] as number;
    if (next !== none) {
      this.#words[next * wordsPerRow + previousWord] = previous;
    }
    if (previous === none) {
      client.first = next;
    } else {
      this.#words[previous * wordsPerRow + nextWord] = next;
    }
    client.count -= 1;
    if (client.count === 0) {
      this.#numberOfClient.delete(client.clientId);
      this.#freeClients.push(number);
    }
  }
}

/** The first word of a UUID is random. */
function slotOf(word: number, mask: number): number {
  return (Math.imul(word, 0x9e37_79b1) >>> 0) & mask;
}

/** Writes the bytes of a UUID, in its usual form, or a digest of any other text. Returns whether it is a UUID. */
function parseId(text: string, id: Uint32Array): boolean {
  if (text.length === 36 && parseUuid(text, id)) {
    return true;
  }
  let digest = 0x811c_9dc5;
  for (let index = 0; index < text.length; index += 1) {
    digest = Math.imul(digest ^ text.charCodeAt(index), 0x0100_0193);
  }
  id.fill(digest >>> 0);
  return false;
}

function parseUuid(text: string, id: Uint32Array): boolean {
  let word = 0;
  let digits = 0;
  for (let index = 0; index < 36; index += 1) {
    const code = text.charCodeAt(index);
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (code !== 45) {
        return false;
      }
    } else {
      if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) {
        return false;
      }
      word = (word << 4) | (code <= 57 ? code - 48 : code - 87);
      digits += 1;
      if (digits % 8 === 0) {
        id[digits / 8 - 1] = word;
      }
    }
  }
  return true;
}

function formatId(id: Uint32Array): string {
  const hex = [...id].map((word) => word.toString(16).padStart(8, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
