/** Reads the token that an argument names. */
import { readInput } from '../input/read-input.ts';

/** `-` is standard input. What a header has before the token is left out. */
export async function readToken(given: string): Promise<string> {
  return (given === '-' ? await readInput('-') : given).trim().replace(/^(authorization: *)?(bearer|dpop) +/i, '');
}
