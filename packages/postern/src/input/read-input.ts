/** Input from a file or standard input, secrets in particular: other users can see arguments. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { usageError } from '../command/command-error.ts';

/** Returns the content of a file, or of standard input for `-`. Throws `CommandError`. */
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

/** Like `readInput`, without surrounding white space. Throws `CommandError` if nothing is left. */
export async function readSecret(file: string): Promise<string> {
  const secret = (await readInput(file)).trim();
  if (secret === '') {
    throw usageError(`${file === '-' ? 'standard input' : file} does not contain a secret.`);
  }
  return secret;
}
