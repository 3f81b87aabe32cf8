/** Where secrets come from: a file, standard input or a person who types; never an argument, which others can see. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
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

/** Asks on a terminal, where the answer does not appear. Undefined where there is none. */
export async function askSecret(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) {
    return undefined;
  }
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return (await reader.question('')).trim();
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
