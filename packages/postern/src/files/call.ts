/** A call of a plan, and what it is about, for when the server refuses it. */
import type { Change } from '@postern/admin';
import type { Entry } from './declared.ts';
import type { Step } from './kinds/file-kind.ts';

export interface Call {
  readonly operation: Change<unknown>;
  /** Such as "client billing". */
  readonly what: string;
  /** The part of a file that asks for it; undefined for the deletion of what no file has. */
  readonly place: { readonly entry: Entry; readonly path: readonly Step[] } | undefined;
}
