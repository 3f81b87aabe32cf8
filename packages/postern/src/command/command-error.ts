/** The error that ends a command, with a message for people and an exit code for scripts. */
import type { Exit } from './exit-code.ts';

export interface CommandErrorOptions {
  /** Default: `failed`. */
  readonly exit?: Exit;
  /** The error code of the server, for programs. Default: the name of the exit code. */
  readonly code?: string;
  readonly cause?: unknown;
}

/** `message` says what is wrong and, if the person can do something, what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: Exit;
  readonly code: string;

  constructor(message: string, { exit = 'failed', code = exit, cause }: CommandErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.exit = exit;
    this.code = code;
  }
}

export function usageError(message: string): CommandError {
  return new CommandError(message, { exit: 'usage' });
}
