/** A file for the secrets of new clients, which only the user who created them can read. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { CommandError, usageError } from '../command/command-error.ts';

export interface NewSecret {
  readonly client_id: string;
  readonly client_secret: string;
}

/**
 * Runs `change`, and returns the client secrets in its answers. With a `path` they are written to a new file, which is
 * created before the clients are, so that no secret is lost; it is deleted if `change` throws. Throws `CommandError` if
 * the file exists, since it may have secrets that are in use, or if it cannot be written.
 */
export async function keepSecrets(
  path: string | undefined,
  change: () => Promise<readonly unknown[]>,
): Promise<readonly NewSecret[]> {
  if (path === undefined) {
    return findSecrets(await change());
  }
  const file = await create(path);
  try {
    const answers = await change().catch(async (error) => {
      await rm(path, { force: true });
      throw error;
    });
    const secrets = findSecrets(answers);
    await write(file, path, secrets);
    return secrets;
  } finally {
    await file.close();
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageError(
      code === 'EEXIST'
        ? `${path} already exists and may have secrets that are in use. Name another file.`
        : `cannot write ${path} (${code}).`,
    );
  }
}

async function write(file: FileHandle, path: string, secrets: readonly NewSecret[]): Promise<void> {
  try {
    await file.writeFile(`${JSON.stringify(secrets, null, 2)}\n`);
    await file.sync();
  } catch (error) {
    const ids = secrets.map(({ client_id }) => client_id).join(', ');
    throw new CommandError(
      `the clients were created, but ${path} could not be written (${(error as NodeJS.ErrnoException).code}). ` +
        `Rotate their secrets by postern client rotate-secret: ${ids}`,
    );
  }
}

/** Answers to other calls than the creation of a client have none. */
function findSecrets(answers: readonly unknown[]): NewSecret[] {
  return answers.flatMap((answer) => {
    const { client_id, client_secret } = (answer ?? {}) as Partial<NewSecret>;
    return client_id === undefined || client_secret === undefined ? [] : [{ client_id, client_secret }];
  });
}
