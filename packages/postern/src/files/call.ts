/** A call of a plan, and what it is about, for when the server refuses it. */
import type { Change } from '@postern/admin';

export interface Call {
  readonly operation: Change<unknown>;
  /** Says what the call does, and which part of a file asks for it: the part that the refusal is about, if it can tell. */
  describe(refusal: string): string;
}
