/** Asks before a change that cannot be undone. */
import { CommandError, usageError } from '../command/command-error.ts';
import { ask, canAsk } from './ask.ts';

/** Returns if `yes` is true or a person agrees. Throws `CommandError` if the person declines, or there is no terminal to ask on. */
export async function confirm(consequence: string, yes: boolean | undefined): Promise<void> {
  if (yes) {
    return;
  }
  if (!canAsk()) {
    throw usageError(`${consequence} Add --yes to confirm.`);
  }
  if (!/^y(es)?$/i.test(await ask(`${consequence} Continue? [y/N] `))) {
    throw new CommandError('canceled; nothing was changed.');
  }
}
