/** What one check of a deployment found. */

/** `warn`: it works, but is not fit for production. */
export type Severity = 'ok' | 'warn' | 'fail';

export interface Finding {
  /** What was checked, in a word or two. */
  readonly about: string;
  readonly severity: Severity;
  /** A sentence. */
  readonly text: string;
  /** A sentence: what to do about it. */
  readonly next?: string;
}

export function ok(about: string, text: string): Finding {
  return { about, severity: 'ok', text };
}

export function warn(about: string, text: string, next: string): Finding {
  return { about, severity: 'warn', text, next };
}

export function fail(about: string, text: string, next: string): Finding {
  return { about, severity: 'fail', text, next };
}
