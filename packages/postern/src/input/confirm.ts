/** Asks before what cannot be taken back. */
import { CommandError, usageError } from '../command/command-error.ts';
import { ask, canAsk } from './ask.ts';

/** Goes on where `yes` is true or a person agrees; throws `CommandError` where nobody does, or nobody is there to ask. */
export async function confirm(consequence: string, yes: boolean | undefined): Promise<void> {
  if (yes) {
    return;
  }
  if (!canAsk()) {
    throw usageError(`${consequence} Add --yes to say that you mean it.`);
  }
  if (!/^y(es)?$/i.test(await ask(`${consequence} Go on? [y/N] `))) {
    throw new CommandError('nothing was done.');
  }
}
