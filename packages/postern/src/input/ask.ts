/** Questions to a person at a terminal. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandError } from '../command/command-error.ts';

export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Returns the answer, which is not echoed if it `isSecret`. Throws `CommandError` if the person ends it, by Ctrl-C or Ctrl-D. */
export async function ask(question: string, isSecret = false): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: isSecret ? nowhere : process.stderr, terminal: true });
  const ended = Promise.withResolvers<never>();
  reader.once('close', () => ended.reject(new CommandError('canceled; nothing was changed.')));
  if (isSecret) {
    process.stderr.write(question);
  }
  try {
    return (await Promise.race([reader.question(isSecret ? '' : question), ended.promise])).trim();
  } finally {
    ended.promise.catch(() => undefined);
    reader.close();
    if (isSecret) {
      process.stderr.write('\n');
    }
  }
}
