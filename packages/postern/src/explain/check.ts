/** One thing that must hold for a token to pass, and what was found. */

/** `unknown`: it could not be seen from here. */
export type Finding = 'ok' | 'no' | 'unknown';

type Subject = 'form' | 'issuer' | 'signature' | 'time' | 'audience' | 'standing' | 'scope' | 'binding';

export interface Check {
  readonly about: Subject;
  readonly finding: Finding;
  /** A word for programs, as in the server's log. Only where the finding is `no`. */
  readonly reason?: string;
  /** A sentence. */
  readonly text: string;
  /** A sentence: what to do about it. */
  readonly next?: string;
}

export function ok(about: Subject, text: string): Check {
  return { about, finding: 'ok', text };
}

export function no(about: Subject, reason: string, text: string, next?: string): Check {
  return { about, finding: 'no', reason, text, ...(next !== undefined && { next }) };
}

export function unknown(about: Subject, text: string, next: string): Check {
  return { about, finding: 'unknown', text, next };
}
