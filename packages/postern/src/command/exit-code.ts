/** Exit codes and their meanings. Scripts rely on them: they are documented and do not change. */
const exits = {
  done: [0, 'done; the answer is yes'],
  failed: [1, 'rejected by the server, or the answer is no (a token is rejected, a check failed)'],
  usage: [2, 'invalid arguments, an unreadable file, or no sign-in details'],
  unreachable: [3, 'the server does not answer, or is overloaded'],
  notAllowed: [4, 'the credentials are invalid, or the token lacks a scope'],
  differs: [5, 'plan --check: the server differs from the files'],
  bug: [70, 'internal error'],
} as const;

export type Exit = keyof typeof exits;

/** For help and manual, in order. */
export const exitCodeMeanings: readonly (readonly [code: number, meaning: string])[] = Object.values(exits);

export const exitCodes = Object.fromEntries(Object.entries(exits).map(([exit, [code]]) => [exit, code])) as {
  readonly [Name in Exit]: (typeof exits)[Name][0];
};
