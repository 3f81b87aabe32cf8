/** Exit codes. Scripts rely on them: they are documented and do not change. */
export const exitCodes = {
  done: 0,
  /** The server rejected the call, or the answer to the question is no. */
  failed: 1,
  /** Invalid arguments, files or sign-in details. */
  usage: 2,
  /** The server does not answer, or is overloaded. */
  unreachable: 3,
  /** The credentials are invalid, or the token lacks a scope. */
  notAllowed: 4,
  /** The server differs from the files. */
  differs: 5,
  /** An internal error of the command. */
  bug: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For help and manual, in order. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.done, 'done; the answer is yes'],
  [exitCodes.failed, 'rejected by the server, or the answer is no (a token is rejected, a check failed)'],
  [exitCodes.usage, 'invalid arguments, an unreadable file, or no sign-in details'],
  [exitCodes.unreachable, 'the server does not answer, or is overloaded'],
  [exitCodes.notAllowed, 'the credentials are invalid, or the token lacks a scope'],
  [exitCodes.differs, 'plan --check: the server differs from the files'],
  [exitCodes.bug, 'internal error'],
];
