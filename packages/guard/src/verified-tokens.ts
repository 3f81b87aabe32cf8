/** Access tokens whose signature was verified a moment ago, so that it is not again for every call. RFC 9068 §4. */
import type { AccessToken } from './access-token.ts';
import type { VerificationKey } from './verify-access-token.ts';

export interface VerifiedToken {
  readonly token: AccessToken;
  /** What it was verified with: the entry is worth nothing once the issuer has dropped the key. */
  readonly key: VerificationKey;
}

/**
 * Keeps the tokens that were used last, by their text, in two halves: who is asked for moves to the new one, and when
 * that is full the old one goes. So nothing is written where a token is found, which is most of the time.
 */
export class VerifiedTokens {
  readonly #halfSize: number;
  #recent = new Map<string, VerifiedToken>();
  #older = new Map<string, VerifiedToken>();

  /** `size`: how many at the most. */
  constructor(size: number) {
    this.#halfSize = Math.ceil(size / 2);
  }

  find(text: string): VerifiedToken | undefined {
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

  add(text: string, verified: VerifiedToken): void {
    if (this.#recent.size >= this.#halfSize) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(text, verified);
  }
}
