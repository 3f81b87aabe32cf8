/** One thing that must hold for an access token to be accepted, and what was found. */
import { type ErrorReason, OAuthError } from '@postern/protocol';

export const checkNames = [
  'form',
  'issuer',
  'signature',
  'claims',
  'time',
  'audience',
  'binding',
  'status',
  'scope',
] as const;

export type CheckName = (typeof checkNames)[number];

export interface Check {
  readonly name: CheckName;
  /** `unknown`: the caller may not learn it. */
  readonly result: 'ok' | 'failed' | 'unknown';
  /** As in the log of a guard. Only of a failed check, and only if the caller may learn it. */
  readonly reason?: ErrorReason;
  /** A sentence that says what is true. */
  readonly detail: string;
  /** A sentence that says what to do about it. */
  readonly advice?: string;
}

export function ok(name: CheckName, detail: string): Check {
  return { name, result: 'ok', detail };
}

export function failed(name: CheckName, reason: ErrorReason, detail: string, advice: string): Check {
  return { name, result: 'failed', reason, detail, advice };
}

/** Why `require` throws, or undefined if it does not. */
export function findReason(require: () => unknown): ErrorReason | undefined {
  try {
    require();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Returns the reason of an error of the guard. Throws any other error. */
export function reasonOf(error: unknown): ErrorReason {
  if (error instanceof OAuthError && error.reason !== undefined) {
    return error.reason;
  }
  throw error;
}

export const getNewToken = 'Get a new token: postern token';

const mostNamed = 10;

/** The first names of a list that may be long. */
export function nameSome(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return names.slice(0, mostNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
