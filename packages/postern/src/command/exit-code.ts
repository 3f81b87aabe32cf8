/** What the command ends with. Scripts rely on these: they are documented and stay. */
export const exitCodes = {
  done: 0,
  /** The server refused, or the answer to the question is no. */
  failed: 1,
  /** Arguments, files or sign-in details that cannot be used as they are. */
  usage: 2,
  /** The server does not answer, or says that it cannot now. */
  unreachable: 3,
  /** The credentials are not good, or the token lacks a scope. */
  notAllowed: 4,
  /** Files say one thing, and the server has another. */
  differs: 5,
  /** A fault of the command itself. */
  bug: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For help and manual, in order. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.done, 'done; the answer is yes'],
  [exitCodes.failed, 'refused by the server, or the answer is no (a token would be refused, a check failed)'],
  [exitCodes.usage, 'wrong arguments, an unreadable file, or no sign-in details'],
  [exitCodes.unreachable, 'the server does not answer, or cannot serve now'],
  [exitCodes.notAllowed, 'the credentials are not good, or the token lacks a scope'],
  [exitCodes.differs, 'plan --check: the server has something else than the files say'],
  [exitCodes.bug, 'a fault of the command itself'],
];
