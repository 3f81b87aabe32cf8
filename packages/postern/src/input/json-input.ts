/** JSON input of a verb, from a file or standard input. */
import { usageError } from '../command/command-error.ts';
import { readInput } from './read-input.ts';

/** Throws `CommandError` that says what is wrong, and where. Does not check the shape of the JSON. */
export async function readJson<T>(file: string): Promise<T> {
  const text = await readInput(file);
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw usageError(`${file === '-' ? 'standard input' : file} is not JSON: ${(error as Error).message}`);
  }
}
