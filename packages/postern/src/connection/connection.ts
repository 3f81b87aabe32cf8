/** Which server a command calls, and as which client: from its options, the environment and the profiles, in that order. */
import { usageError } from '../command/command-error.ts';
import { readSecret } from '../input/read-input.ts';
import { type ClientProfile, type Environment, type Profile, profilesPath, readProfiles } from './profile.ts';
import { parseServerUrl } from './server-url.ts';

export interface ConnectionOptions {
  readonly profile?: string;
  readonly server?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string | undefined;
}

/** What options and environment contain, without any profile. */
export type GivenConnection = { readonly [Member in keyof ClientProfile]: string | undefined };

/** Where `npm start` listens. */
export const defaultServer = 'http://localhost:8080';

/**
 * Returns the server and the credentials. If a profile is named, the environment is ignored. The secret of a profile is sent to the
 * server of that profile and to no other. Throws `CommandError` that says how to sign in.
 */
export async function readConnection(options: ConnectionOptions, env: Environment): Promise<Profile> {
  const connection = await findConnection(options, env);
  if (connection === undefined) {
    throw usageError(
      'you are not signed in. Sign in with: postern login. Or set POSTERN_CLIENT_ID and POSTERN_CLIENT_SECRET.',
    );
  }
  return connection;
}

/** Like `readConnection`, but undefined if neither options nor environment nor a profile name a client. */
export async function findConnection(options: ConnectionOptions, env: Environment): Promise<Profile | undefined> {
  const { server, clientId, clientSecret } = await readGiven(options, env);
  const profile = await findProfile(options, env);
  if (clientId !== undefined || clientSecret !== undefined) {
    return requireCredentials({ server: server ?? profile?.server, clientId, clientSecret });
  }
  if (profile !== undefined && server !== undefined && server !== profile.server) {
    throw usageError(
      `the secret of this profile is for ${profile.server} and is not sent to ${server}. ` +
        `Sign in there: postern login --server ${server} --profile NAME`,
    );
  }
  return profile;
}

/** Returns the server only, for calls without a token. */
export async function readServer(options: ConnectionOptions, env: Environment): Promise<string> {
  return (await findServer(options, env)) ?? defaultServer;
}

/** Returns the server; undefined if none is named. */
export async function findServer(options: ConnectionOptions, env: Environment): Promise<string | undefined> {
  return readGivenServer(options, env) ?? (await findProfile(options, env))?.server;
}

/** Reads options and environment; an empty variable counts as not set. */
export async function readGiven(options: ConnectionOptions, env: Environment): Promise<GivenConnection> {
  const read = (name: string) => (options.profile === undefined ? env[name] || undefined : undefined);
  return {
    server: readGivenServer(options, env),
    clientId: options.clientId ?? read('POSTERN_CLIENT_ID'),
    clientSecret: await readGivenSecret(options.clientSecretFile, read),
  };
}

function readGivenServer({ profile, server }: ConnectionOptions, env: Environment): string | undefined {
  const text = server ?? (profile === undefined ? env['POSTERN_SERVER'] || undefined : undefined);
  return text === undefined ? undefined : parseServerUrl(text, env);
}

/** Throws `CommandError` if the id or the secret is missing. */
export function requireCredentials({ server = defaultServer, clientId, clientSecret }: GivenConnection): ClientProfile {
  if (clientId === undefined) {
    throw usageError('there is a secret without a client id. Add --client-id, or set POSTERN_CLIENT_ID.');
  }
  if (clientSecret === undefined) {
    throw usageError('there is a client id without a secret. Add --client-secret-file, or set POSTERN_CLIENT_SECRET.');
  }
  return { server, clientId, clientSecret };
}

async function readGivenSecret(
  option: string | undefined,
  read: (name: string) => string | undefined,
): Promise<string | undefined> {
  if (option !== undefined) {
    return readSecret(option);
  }
  const file = read('POSTERN_CLIENT_SECRET_FILE');
  return read('POSTERN_CLIENT_SECRET') ?? (file === undefined ? undefined : readSecret(file));
}

async function findProfile({ profile: name }: ConnectionOptions, env: Environment): Promise<Profile | undefined> {
  const { current, byName } = await readProfiles(profilesPath(env));
  if (name !== undefined && !Object.hasOwn(byName, name)) {
    const known = Object.keys(byName).join(', ') || 'none';
    throw usageError(`there is no profile "${name}"; known: ${known}. Create it: postern login --profile ${name}`);
  }
  const chosen = name ?? current;
  return chosen === undefined ? undefined : byName[chosen];
}

/** Returns the profile of a client. Throws `CommandError` for that of a person, who has no credentials of a client. */
export function requireClient(profile: Profile): ClientProfile {
  if ('sessionSecret' in profile) {
    throw usageError('this needs the credentials of a client, and you are signed in as a person. Add --client-id.');
  }
  return profile;
}
