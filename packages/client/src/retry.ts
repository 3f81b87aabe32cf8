/** When to try again, and after how long. RFC 9110 §10.2.3, RFC 6585 §4. */
import type { Platform } from './platform.ts';

/** Tries after the first one. */
const mostRetries = 3;

/** The first pause, in milliseconds; each one after it is twice as long. */
const firstPauseMs = 250;

/** If a server asks for a longer pause, in seconds, the request is not retried: the caller gets the error. */
const longestPauseSeconds = 30;

/** Whether an answer says that the request was not dealt with and may be sent again later. */
export function isBusy(status: number | undefined): boolean {
  return status === 429 || status === 503;
}

/**
 * How long to wait before retry number `attempt` (from 0), in milliseconds; undefined if it should not be retried. Never
 * shorter than what the server asks for; spread, so that many clients do not come back at the same moment.
 */
export function pauseMs(
  attempt: number,
  retryAfterSeconds: number | undefined,
  { random }: Pick<Platform, 'random'>,
): number | undefined {
  if (attempt >= mostRetries || (retryAfterSeconds ?? 0) > longestPauseSeconds) {
    return undefined;
  }
  const backOffMs = firstPauseMs * 2 ** attempt * (0.5 + random() / 2);
  return (retryAfterSeconds ?? 0) * 1000 + backOffMs;
}

/** The header `Retry-After` in seconds: a number, or a date. Undefined if it is missing or neither. */
export function readRetryAfter(headers: Headers, nowMs: number): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) {
    return Number(text);
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - nowMs) / 1000));
}
