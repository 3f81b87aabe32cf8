/** Asks before what cannot be taken back. */
import { createInterface } from 'node:readline/promises';
import { CommandError, usageError } from '../command/command-error.ts';

/** Goes on where `yes` is true or a person agrees; throws `CommandError` where nobody does, or nobody is there to ask. */
export async function confirm(consequence: string, yes: boolean | undefined): Promise<void> {
  if (yes) {
    return;
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw usageError(`${consequence} Add --yes to say that you mean it.`);
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if (!/^y(es)?$/i.test((await reader.question(`${consequence} Go on? [y/N] `)).trim())) {
      throw new CommandError('nothing was changed.');
    }
  } finally {
    reader.close();
  }
}
