/** A file for the secrets of new clients, for the user who made them alone. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { CommandError, usageError } from '../command/command-error.ts';

export interface NewSecret {
  readonly client_id: string;
  readonly client_secret: string;
}

export interface SecretsFile {
  /** Ends it. Throws `CommandError` that says which secrets are lost. */
  write(secrets: readonly NewSecret[]): Promise<void>;
  /** Takes the file away, where nothing came of the change. */
  discard(): Promise<void>;
}

/**
 * Made before the clients are, so that no secret is lost for want of a place. Throws `CommandError` where there is a file
 * already, which may hold secrets that are in use.
 */
export async function openSecretsFile(path: string): Promise<SecretsFile> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageError(
      code === 'EEXIST'
        ? `${path} is there already and may hold secrets. Name another file.`
        : `cannot write ${path} (${code}).`,
    );
  }
  return {
    async write(secrets) {
      try {
        await file.writeFile(`${JSON.stringify(secrets, null, 2)}\n`);
        await file.sync();
      } catch (error) {
        const ids = secrets.map(({ client_id }) => client_id).join(', ');
        throw new CommandError(
          `the clients are made, but ${path} cannot be written (${(error as NodeJS.ErrnoException).code}). ` +
            `Give them new secrets by postern client rotate-secret: ${ids}`,
        );
      } finally {
        await file.close();
      }
    },
    async discard() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}
