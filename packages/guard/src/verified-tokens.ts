/** Access tokens whose signature was verified recently, so that it is not verified again for every call. RFC 9068 §4. */
import type { AccessToken } from './access-token.ts';
import type { VerificationKey } from './verify-access-token.ts';

export interface VerifiedToken {
  readonly token: AccessToken;
  /** The key that verified it: the entry is invalid once the issuer no longer publishes the key. */
  readonly key: VerificationKey;
}

/**
 * Keeps the tokens that were used last, by their text, in two halves. A token that is used moves to the recent half; when
 * that is full, it becomes the older half, whose tokens are dropped. So a lookup in the recent half writes nothing.
 */
export class VerifiedTokens {
  readonly #halfSize: number;
  #recent = new Map<string, VerifiedToken>();
  #older = new Map<string, VerifiedToken>();

  /** `size` is the maximum number of tokens. */
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
