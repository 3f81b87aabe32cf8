/** What is read from a file or standard input, secrets above all: an argument can be seen by others. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { usageError } from '../command/command-error.ts';

/** The content of a file, or of standard input for `-`. Throws `CommandError`. */
export async function readInput(file: string): Promise<string> {
  if (file === '-') {
    return text(process.stdin);
  }
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw usageError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code}). "-" is standard input.`);
  }
}

/** The same, without the white space around it. Throws `CommandError` where there is nothing else. */
export async function readSecret(file: string): Promise<string> {
  const secret = (await readInput(file)).trim();
  if (secret === '') {
    throw usageError(`${file === '-' ? 'standard input' : file} holds no secret.`);
  }
  return secret;
}
