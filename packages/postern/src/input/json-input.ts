/** JSON that a person hands to a verb, in a file or by standard input. */
import { usageError } from '../command/command-error.ts';
import { readInput } from './read-input.ts';

/** Throws `CommandError` that says what is wrong, and where. */
export async function readJson<T>(file: string): Promise<T> {
  const text = await readInput(file);
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw usageError(`${file === '-' ? 'standard input' : file} is not JSON: ${(error as Error).message}`);
  }
}
