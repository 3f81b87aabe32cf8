/**
 * Revoked tokens in little memory: about 60 bytes for each of millions, where objects take several hundred. RFC 7009 §2.2.
 *
 * The `jti` of a token is a UUID, of which its 16 bytes are kept, so that a look-up is exact; any other text is kept as it is.
 * All that is known about a token is in typed arrays, which are scanned in some milliseconds and cost the garbage collector nothing.
 * They are many small ones, so that no single token makes a large one grow, for which everybody would have to wait.
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

/** Rows of one array. A power of two. */
const rowsInBlock = 512;

/** Parts of the index, each of which grows by itself. A power of two, of so many bits. */
const partBits = 8;

/** Slots of a part of the index at first. A power of two. */
const firstSlots = 8;

/** Stands for no row, and for the client of a row that is free. */
const none = 0xffff_ffff;

/** What is known about some rows, one after the other. */
interface Block {
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
}

interface ClientRows {
  readonly clientId: string | undefined;
  first: number;
  count: number;
}

export class RevokedTokenTable {
  readonly #blocks: Block[] = [];
  /** Open addressing by the first word of the id, in parts: the number of a row plus one, or 0. At most half of each is used. */
  #slots = emptySlots();
  readonly #used = new Uint32Array(1 << partBits);
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

  /** Rows that were used so far: all tokens are in those from 0 to before this one. */
  get rows(): number {
    return this.#rows;
  }

  /** Returns the row of a token, or undefined. It stays the same until the token is removed. */
  find(jti: string): number | undefined {
    return this.#size === 0 ? undefined : this.#findId(jti, parseId(jti, this.#id));
  }

  /** Returns the row of the token whose id is in `#id`. */
  #findId(jti: string, isUuid: boolean): number | undefined {
    const id = this.#id;
    const hash = hashOf(id[0] as number);
    const slots = this.#slots[partOf(hash)] as Uint32Array;
    const mask = slots.length - 1;
    for (let slot = hash & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = (slots[slot] as number) - 1;
      const { words } = this.#blockOf(row);
      const word = wordOf(row);
      if (
        words[word] === id[0] &&
        words[word + 1] === id[1] &&
        words[word + 2] === id[2] &&
        words[word + 3] === id[3] &&
        this.#texts.get(row) === (isUuid ? undefined : jti)
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
    return this.#clients[this.#readWord(row, clientWord)]?.clientId;
  }

  /** Whether a token is in the row now. */
  isTaken(row: number): boolean {
    return row < this.#rows && this.#readWord(row, clientWord) !== none;
  }

  /** Returns the token in a row, or undefined if none is there now. */
  at(row: number): RevokedToken | undefined {
    if (!this.isTaken(row)) {
      return undefined;
    }
    const { words, numbers } = this.#blockOf(row);
    const generation = numbers[numberOf(row) + 1] as number;
    return {
      jti: this.#texts.get(row) ?? formatId(words, wordOf(row)),
      expiresAt: numbers[numberOf(row)] as number,
      clientId: this.clientOf(row),
      generation: Number.isNaN(generation) ? undefined : generation,
    };
  }

  /** Adds a token, or replaces what is known about it. Returns its row. */
  add({ jti, expiresAt, clientId, generation }: RevokedToken): number {
    const isUuid = parseId(jti, this.#id);
    const known = this.#findId(jti, isUuid);
    if (known !== undefined) {
      this.#remove(known);
    }
    const row = this.#takeRow();
    const { words, numbers } = this.#blockOf(row);
    words.set(this.#id, wordOf(row));
    if (!isUuid) {
      this.#texts.set(row, jti);
    }
    numbers[numberOf(row)] = expiresAt;
    numbers[numberOf(row) + 1] = generation ?? Number.NaN;
    this.#link(row, clientId);
    this.#addToIndex(row);
    this.#size += 1;
    return row;
  }

  /** Removes those tokens of a client for which `isRemoved` says so. */
  removeOfClient(clientId: string | undefined, isRemoved: RemoveIf): void {
    const client = this.#clients[this.#numberOfClient.get(clientId) ?? none];
    for (let row = client?.first ?? none; row !== none; ) {
      const next = this.#readWord(row, nextWord);
      this.#removeIf(row, isRemoved);
      row = next;
    }
  }

  /**
   * Removes those tokens of all clients for which `isRemoved` says so. Most of a million take some milliseconds: then what is left
   * is put in order again, instead of taking out one after the other.
   */
  remove(isRemoved: RemoveIf): void {
    let kept = 0;
    for (let row = 0; row < this.#rows; row += 1) {
      kept += this.#isKept(row, isRemoved) ? 1 : 0;
    }
    if (2 * kept >= this.#size) {
      this.removeBetween(0, this.#rows, isRemoved);
    } else {
      this.#rebuild(isRemoved, kept);
    }
  }

  /** The same for the rows from `first` to before `end` alone. */
  removeBetween(first: number, end: number, isRemoved: RemoveIf): void {
    for (let row = first; row < Math.min(end, this.#rows); row += 1) {
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

  #isKept(row: number, isRemoved: RemoveIf): boolean {
    const { numbers } = this.#blockOf(row);
    return this.isTaken(row) && !isRemoved(numbers[numberOf(row)] as number, numbers[numberOf(row) + 1] as number);
  }

  /** Removes those for which `isRemoved` says so, and leaves `kept` ones in their rows. */
  #rebuild(isRemoved: RemoveIf, kept: number): void {
    const clientIds = this.#clients.map(({ clientId }) => clientId);
    this.#clients.length = 0;
    this.#numberOfClient.clear();
    this.#freeClients.length = 0;
    this.#slots = emptySlots();
    this.#used.fill(0);
    this.#free = none;
    this.#size = kept;
    if (kept === 0) {
      this.#texts.clear();
      this.#blocks.length = 0;
      this.#rows = 0;
    }
    for (let row = 0; row < this.#rows; row += 1) {
      if (this.#isKept(row, isRemoved)) {
        this.#link(row, clientIds[this.#readWord(row, clientWord)]);
        this.#addToIndex(row);
      } else {
        this.#release(row);
      }
    }
  }

  #blockOf(row: number): Block {
    return this.#blocks[Math.floor(row / rowsInBlock)] as Block;
  }

  #readWord(row: number, offset: number): number {
    return this.#blockOf(row).words[wordOf(row) + offset] as number;
  }

  #writeWord(row: number, offset: number, value: number): void {
    this.#blockOf(row).words[wordOf(row) + offset] = value;
  }

  #takeRow(): number {
    if (this.#free !== none) {
      const row = this.#free;
      this.#free = this.#readWord(row, nextWord);
      return row;
    }
    if (this.#rows === this.#blocks.length * rowsInBlock) {
      this.#blocks.push({
        words: new Uint32Array(rowsInBlock * wordsPerRow),
        numbers: new Float64Array(rowsInBlock * numbersPerRow),
      });
    }
    this.#rows += 1;
    return this.#rows - 1;
  }

  #addToIndex(row: number): void {
    const part = partOf(hashOf(this.#readWord(row, 0)));
    const slots = this.#slots[part] as Uint32Array;
    const used = (this.#used[part] as number) + 1;
    this.#used[part] = used;
    if (2 * used <= slots.length) {
      this.#insertSlot(slots, row);
      return;
    }
    const grown = new Uint32Array(slots.length * 2);
    for (const taken of slots) {
      if (taken !== 0) {
        this.#insertSlot(grown, taken - 1);
      }
    }
    this.#insertSlot(grown, row);
    this.#slots[part] = grown;
  }

  #insertSlot(slots: Uint32Array, row: number): void {
    const mask = slots.length - 1;
    let slot = hashOf(this.#readWord(row, 0)) & mask;
    while (slots[slot] !== 0) {
      slot = (slot + 1) & mask;
    }
    slots[slot] = row + 1;
  }

  #removeIf(row: number, isRemoved: RemoveIf): void {
    const { numbers } = this.#blockOf(row);
    if (isRemoved(numbers[numberOf(row)] as number, numbers[numberOf(row) + 1] as number)) {
      this.#remove(row);
    }
  }

  #remove(row: number): void {
    this.#removeFromIndex(row);
    this.#unlink(row);
    this.#release(row);
    this.#size -= 1;
  }

  /** Makes a row free for another token. */
  #release(row: number): void {
    this.#texts.delete(row);
    this.#writeWord(row, clientWord, none);
    this.#writeWord(row, nextWord, this.#free);
    this.#free = row;
  }

  /** Moves back what was put behind the slot only because it was taken, so that every row is found from its first slot on. */
  #removeFromIndex(row: number): void {
    const hash = hashOf(this.#readWord(row, 0));
    const part = partOf(hash);
    const slots = this.#slots[part] as Uint32Array;
    const mask = slots.length - 1;
    let hole = hash & mask;
    while (slots[hole] !== row + 1) {
      hole = (hole + 1) & mask;
    }
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const moved = (slots[slot] as number) - 1;
      const first = hashOf(this.#readWord(moved, 0)) & mask;
      if (((slot - first) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = moved + 1;
        hole = slot;
      }
    }
    slots[hole] = 0;
    this.#used[part] = (this.#used[part] as number) - 1;
  }

  #link(row: number, clientId: string | undefined): void {
    let number = this.#numberOfClient.get(clientId);
    if (number === undefined) {
      number = this.#freeClients.pop() ?? this.#clients.length;
      this.#clients[number] = { clientId, first: none, count: 0 };
      this.#numberOfClient.set(clientId, number);
    }
    const client = this.#clients[number] as ClientRows;
    this.#writeWord(row, clientWord, number);
    this.#writeWord(row, nextWord, client.first);
    this.#writeWord(row, previousWord, none);
    if (client.first !== none) {
      this.#writeWord(client.first, previousWord, row);
    }
    client.first = row;
    client.count += 1;
  }

  #unlink(row: number): void {
    const client = this.#clients[this.#readWord(row, clientWord)] as ClientRows;
    const next = this.#readWord(row, nextWord);
    const previous = this.#readWord(row, previousWord);
    if (next !== none) {
      this.#writeWord(next, previousWord, previous);
    }
    if (previous === none) {
      client.first = next;
    } else {
      this.#writeWord(previous, nextWord, next);
    }
    client.count -= 1;
    if (client.count === 0) {
      const number = this.#numberOfClient.get(client.clientId) as number;
      this.#numberOfClient.delete(client.clientId);
      this.#freeClients.push(number);
    }
  }
}

function emptySlots(): Uint32Array[] {
  return Array.from({ length: 1 << partBits }, () => new Uint32Array(firstSlots));
}

/** Where the words of a row begin in its block. */
function wordOf(row: number): number {
  return (row % rowsInBlock) * wordsPerRow;
}

/** Where the numbers of a row begin in its block. */
function numberOf(row: number): number {
  return (row % rowsInBlock) * numbersPerRow;
}

/** By the first word of an id, which is random in a UUID. */
function hashOf(word: number): number {
  return Math.imul(word, 0x9e37_79b1) >>> 0;
}

/** The part of the index is chosen by other bits than the slot in it. */
function partOf(hash: number): number {
  return hash >>> (32 - partBits);
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

/** Where the groups of four digits of a UUID begin, which are two for each of its four words. */
const places = [0, 4, 9, 14, 19, 24, 28, 32];

/** More than four digits can say. */
const noDigit = 0x1_0000;

/** The value of a hexadecimal digit, in lower case, by its ASCII code. By a table, for whether it is a letter cannot be foreseen. */
const digits = Int32Array.from({ length: 128 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return value === -1 ? noDigit : value;
});

function parseUuid(text: string, id: Uint32Array): boolean {
  for (let word = 0; word < 4; word += 1) {
    const high = parseFour(text, places[2 * word] as number);
    const low = parseFour(text, places[2 * word + 1] as number);
    if (high >= noDigit || low >= noDigit) {
      return false;
    }
    id[word] = (high << 16) | low;
  }
  return text[8] === '-' && text[13] === '-' && text[18] === '-' && text[23] === '-';
}

/** Returns the value of four digits, or `noDigit` or more. */
function parseFour(text: string, start: number): number {
  const [first, second] = [text.charCodeAt(start), text.charCodeAt(start + 1)];
  const [third, fourth] = [text.charCodeAt(start + 2), text.charCodeAt(start + 3)];
  if ((first | second | third | fourth) >= digits.length) {
    return noDigit;
  }
  return (
    ((digits[first] as number) << 12) |
    ((digits[second] as number) << 8) |
    ((digits[third] as number) << 4) |
    (digits[fourth] as number)
  );
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The two bytes from a bit on. */
function formatFour(word: number, bit: number): string {
  return `${hexOfByte[(word >>> (bit + 8)) & 0xff]}${hexOfByte[(word >>> bit) & 0xff]}`;
}

/** Writes the UUID whose words begin at `first`. */
function formatId(words: Uint32Array, first: number): string {
  const four = (word: number, bit: number) => formatFour(words[first + word] as number, bit);
  return (
    `${four(0, 16)}${four(0, 0)}-${four(1, 16)}-${four(1, 0)}-${four(2, 16)}-` +
    `${four(2, 0)}${four(3, 16)}${four(3, 0)}`
  );
}
