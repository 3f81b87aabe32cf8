/** Errors of the server's code, as the errors of a command. */
import { StartError } from '@postern/server';
import { CommandError } from '../command/command-error.ts';

/** Rethrows what people can resolve as `CommandError`. */
export async function reportStartErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StartError) {
      throw new CommandError(error.message, { cause: error });
    }
    throw error;
  }
}
