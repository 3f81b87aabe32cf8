/** The error that ends a command, with a message for people and an exit code for scripts. */
import { type ExitCode, exitCodes } from './exit-code.ts';

export interface CommandErrorOptions {
  /** Default: `failed`. */
  readonly exitCode?: ExitCode;
  /** The error code of the server, for programs. Default: the name of the exit code. */
  readonly code?: string;
  readonly cause?: unknown;
}

/** `message` says what is wrong and, if the person can do something, what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(message: string, { exitCode = exitCodes.failed, code, cause }: CommandErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.code = code ?? wordFor(exitCode);
  }
}

export function usageError(message: string): CommandError {
  return new CommandError(message, { exitCode: exitCodes.usage });
}

function wordFor(exitCode: ExitCode): string {
  const [word = 'failed'] = Object.entries(exitCodes).find(([, code]) => code === exitCode) ?? [];
  return word;
}
