/** One request to the authorization server, with what may go wrong on the way turned into `TokenError`. */
import { type Platform, untilAborted } from './platform.ts';
import { readJsonObject } from './read-json.ts';
import type { TokenAnswer } from './token-answer.ts';
import { TokenError } from './token-error.ts';

/** For one request with its answer. */
const timeoutMs = 10_000;

/**
 * Throws `TokenError` with `timeout` or `unreachable`. Follows no redirect: it would carry credentials to where nobody
 * meant them to go, so it is an answer like any other.
 */
export async function send(
  { fetch }: Pick<Platform, 'fetch'>,
  url: string,
  init: RequestInit,
  signal?: AbortSignal,
): Promise<TokenAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any(signal === undefined ? [timeout] : [timeout, signal]);
  const exchange = async () => {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: either });
    return { status: response.status, headers: response.headers, body: await readJsonObject(response) };
  };
  try {
    // A `fetch` of the caller's may not know signals.
    return await untilAborted(exchange(), either);
  } catch (cause) {
    signal?.throwIfAborted();
    throw timeout.aborted
      ? new TokenError('timeout', `${url} did not answer within ${timeoutMs / 1000} seconds.`, { cause })
      : new TokenError('unreachable', `${url} cannot be reached.`, { cause });
  }
}
