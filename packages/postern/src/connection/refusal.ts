/** What the answer of a server that rejects a call means for the person at the terminal. RFC 6750 §3.1. */
import { AdminError } from '@postern/admin';
import { CommandError, usageError } from '../command/command-error.ts';

/** The error in words for a person; any error but `AdminError` stays as it is. */
export function explainRefusal(error: unknown): unknown {
  if (!(error instanceof AdminError)) {
    return error;
  }
  const { code, status, retryAfterSeconds } = error;
  // A verb saves one element of what the API takes as a list.
  const detail = error.detail.replace(/^\[0\][.:] ?/, '');
  const unreachable = { exit: 'unreachable', code, cause: error } as const;
  switch (code) {
    case 'invalid_id':
      return usageError(detail);
    case 'unreachable':
    case 'timeout':
      return new CommandError(detail, unreachable);
    case 'precondition_failed':
      return new CommandError(
        'somebody else has changed it since this command read it, so nothing was changed. See what it is now, and run the command again if it is still wanted.',
        { code, cause: error },
      );
    case 'redirected':
      return new CommandError(`${detail} Use the address that it redirects to: --server URL`);
    case 'invalid_response':
      return new CommandError(
        `${detail} Is it the right --server?`,
        status !== undefined && status >= 500 ? { exit: 'unreachable' } : {},
      );
  }
  if (status === 401) {
    return new CommandError(`the server rejects the token: ${detail} Sign in again: postern login`, {
      exit: 'notAllowed',
      code,
      cause: error,
    });
  }
  if (status === 403) {
    const hint = code === 'insufficient_scope' ? ' Give the client that scope, or use a profile that has it.' : '';
    return new CommandError(`${detail}${hint}`, { exit: 'notAllowed', code, cause: error });
  }
  if (status === 429 || (status !== undefined && status >= 500)) {
    const when = retryAfterSeconds === undefined ? 'later' : `in ${retryAfterSeconds} s`;
    return new CommandError(`the server cannot do this now: ${detail} Try again ${when}.`, unreachable);
  }
  return new CommandError(detail, { code, cause: error });
}
