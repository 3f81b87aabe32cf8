/** Files that only the user can read who runs the command. */
import { rename, stat, writeFile } from 'node:fs/promises';

/**
 * Replaces a file as a whole, so that it is never half written, and nobody can read the new one who could read the old. What is no file, such
 * as a pipe, is written as it is.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const present = await stat(path).catch(() => undefined);
  if (present !== undefined && !present.isFile()) {
    await writeFile(path, text);
    return;
  }
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  await rename(draft, path);
}
