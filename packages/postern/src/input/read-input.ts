/** Input from a file or standard input, secrets in particular: other users can see arguments. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { decodeUtf8 } from '@postern/protocol';
import { usageError } from '../command/command-error.ts';

/** Returns the content of a file, or of standard input for `-`. Throws `CommandError`, also if it is not UTF-8. */
export async function readInput(file: string): Promise<string> {
  const bytes = file === '-' ? await buffer(process.stdin) : await readBytes(file);
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw usageError(`${file === '-' ? 'standard input' : file}: ${(error as Error).message}.`);
  }
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
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
