/** Profiles: the servers that a person signed in to, in one file that only that person can read. */
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { usageError } from '../command/command-error.ts';
import { readInput } from '../input/read-input.ts';
import { writePrivateFile } from '../output/private-file.ts';

/** Somebody who is signed in: a client by its secret, or a person by a session. */
export type Profile = ClientProfile | PersonProfile;

export interface ClientProfile {
  /** Base URL, without a slash at the end. */
  readonly server: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface PersonProfile {
  readonly server: string;
  /** The id of the person. */
  readonly clientId: string;
  readonly sessionSecret: string;
}

export interface Profiles {
  /** The one that is used if none is named. */
  readonly current: string | undefined;
  readonly byName: Readonly<Record<string, Profile>>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Follows the XDG Base Directory Specification: `$XDG_CONFIG_HOME/postern/profiles.json`, below `~/.config` by default. */
export function profilesPath(env: Environment): string {
  const home = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return join(home, 'postern', 'profiles.json');
}

/** Without a file there are no profiles. Throws `CommandError` for a file that is invalid, or that other users can read. */
export async function readProfiles(path: string): Promise<Profiles> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw usageError(`${path} contains secrets and is readable by other users. Run: chmod 600 ${path}`);
    }
    text = await readInput(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { current: undefined, byName: {} };
    }
    throw error;
  }
  return parseProfiles(text, path);
}

/** Replaces the file as a whole, so that it is never half written. */
export async function writeProfiles(path: string, { current, byName }: Profiles): Promise<void> {
  const profiles = Object.fromEntries(
    Object.entries(byName).map(([name, profile]) => [
      name,
      {
        server: profile.server,
        client_id: profile.clientId,
        ...('sessionSecret' in profile
          ? { session_secret: profile.sessionSecret }
          : { client_secret: profile.clientSecret }),
      },
    ]),
  );
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writePrivateFile(path, `${JSON.stringify({ current, profiles }, null, 2)}\n`);
}

function parseProfiles(text: string, path: string): Profiles {
  try {
    const { current, profiles } = JSON.parse(text) as { current?: unknown; profiles: Record<string, unknown> };
    const byName = Object.fromEntries(Object.entries(profiles).map(([name, profile]) => [name, readProfile(profile)]));
    return { current: typeof current === 'string' && Object.hasOwn(byName, current) ? current : undefined, byName };
  } catch {
    throw usageError(`${path} is not a file of profiles. Move it and sign in again: postern login`);
  }
}

function readProfile(value: unknown): Profile {
  const { server, client_id, client_secret, session_secret } = value as Record<string, unknown>;
  if (typeof server === 'string' && typeof client_id === 'string') {
    if (typeof session_secret === 'string') {
      return { server, clientId: client_id, sessionSecret: session_secret };
    }
    if (typeof client_secret === 'string') {
      return { server, clientId: client_id, clientSecret: client_secret };
    }
  }
  throw new TypeError('not a profile');
}
