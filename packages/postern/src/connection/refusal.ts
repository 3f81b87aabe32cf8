/** What a server's refusal means for the person at the terminal. RFC 6750 §3.1. */
import { CommandError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';

/** The error for an answer that is no success; `text` is its body. */
export function refusalError(response: Response, text: string): CommandError {
  const { status, headers } = response;
  const { error, detail, answer } = readErrorAnswer(text);
  if (status >= 300 && status < 400) {
    const location = headers.get('location') ?? 'elsewhere';
    return new CommandError(`the server sends on to ${location}. Name the address it is really at: --server URL`);
  }
  if (error === undefined) {
    return new CommandError(`the answer (status ${status}) is not from Postern. Is it the right --server?`, {
      exitCode: status >= 500 ? exitCodes.unreachable : exitCodes.failed,
    });
  }
  if (status === 401) {
    return new CommandError(`the token is refused: ${detail} Sign in again: postern login`, {
      exitCode: exitCodes.notAllowed,
      code: error,
      answer,
    });
  }
  if (status === 403) {
    const hint = error === 'insufficient_scope' ? ' Give the client that scope, or use a profile that has it.' : '';
    return new CommandError(`${detail}${hint}`, { exitCode: exitCodes.notAllowed, code: error, answer });
  }
  if (status === 429 || status >= 500) {
    const after = headers.get('retry-after');
    const when = after === null ? 'later' : `in ${after} s`;
    return new CommandError(`the server cannot do it now: ${detail} Try again ${when}.`, {
      exitCode: exitCodes.unreachable,
      code: error,
      answer,
    });
  }
  return new CommandError(detail, { code: error, answer });
}

function readErrorAnswer(text: string): { error: string | undefined; detail: string; answer?: unknown } {
  try {
    const answer = JSON.parse(text) as Record<string, unknown>;
    const { error, detail } = answer;
    if (typeof error === 'string') {
      return { error, detail: typeof detail === 'string' ? detail : error, answer };
    }
  } catch {
    // Not JSON, so not Postern's.
  }
  return { error: undefined, detail: '' };
}
