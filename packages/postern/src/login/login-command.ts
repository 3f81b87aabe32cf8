/** `postern login`: stores the credentials of a client in a profile, if the server accepts them. */
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { type ConnectionOptions, defaultServer, readGiven, requireCredentials } from '../connection/connection.ts';
import { type Profile, profilesPath, readProfiles, writeProfiles } from '../connection/profile.ts';
import { createServerConnection } from '../connection/server-connection.ts';
import { serverVerb } from '../connection/server-verb.ts';
import { ask, canAsk } from '../input/ask.ts';
import { readInput } from '../input/read-input.ts';
import { print } from '../output/output.ts';
import { findBrowser } from '../session/open-browser.ts';
import { createSessionApi } from '../session/session-api.ts';
import { signInWithBrowser, signInWithDevice } from '../session/sign-in-person.ts';

interface LoginOptions extends ConnectionOptions {
  readonly root?: string;
  readonly device?: true;
}

export function loginCommand(): Command {
  return serverVerb('login', 'Sign in: verify credentials with a server, and store them in a profile.', [
    ['login --server https://auth.example.com', 'as yourself, at the identity provider of the server, in the browser'],
    ['login --root data/root.env', 'as the root client of the server on this machine'],
    [
      'login --server https://auth.example.com --client-id r8O445tXXCjyi1GYeIbPRD',
      'as any client; asks for its secret',
    ],
    ['login --profile ci --client-id r8O445tXXCjyi1GYeIbPRD --client-secret-file secret.txt', 'under another name'],
  ])
    .option('--device', 'sign in at the identity provider on another device, without a browser here')
    .option('--root <file>', 'file with the root credentials: root.env in the data directory of the server')
    .addHelpText(
      'after',
      'The profile is named "default" unless --profile names it, and becomes the current one.\n' +
        'Profiles are stored in $XDG_CONFIG_HOME/postern/profiles.json, readable by your user only.',
    )
    .action(login);
}

async function login(_options: unknown, command: Command): Promise<void> {
  const { profile: name = 'default', ...options } = command.opts<LoginOptions>();
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw usageError(`"${name}" is not a valid name of a profile: use letters, digits and . _ -`);
  }
  const profile = await readCredentials(options);
  const scopes = await createServerConnection(profile).scopes();

  const path = profilesPath(process.env);
  const { byName } = await readProfiles(path);
  await writeProfiles(path, { current: name, byName: { ...byName, [name]: profile } });
  print(
    command,
    { profile: name, server: profile.server, client_id: profile.clientId, scopes: [...scopes] },
    () =>
      `Signed in to ${profile.server} as ${profile.clientId}, which has ${scopes.size} ${scopes.size === 1 ? 'scope' : 'scopes'}. ` +
      `Profile "${name}" is the current one.\n`,
  );
}

/** Reads options and environment only: a new profile uses nothing of another one. */
async function readCredentials(options: LoginOptions): Promise<Profile> {
  const given = await readGiven(options, process.env);
  if (options.root !== undefined) {
    if (options.clientId !== undefined || options.clientSecretFile !== undefined) {
      throw usageError('--root has the id and the secret: leave out --client-id and --client-secret-file.');
    }
    return requireCredentials({ ...given, ...(await readRootFile(options.root)) });
  }
  if (given.clientId === undefined) {
    return signInPerson(given.server ?? defaultServer, options.device === true);
  }
  const question = `Secret of ${given.clientId} at ${given.server ?? defaultServer}: `;
  return requireCredentials({
    ...given,
    clientSecret: given.clientSecret ?? (canAsk() ? await ask(question, true) : undefined),
  });
}

async function signInPerson(server: string, onDevice: boolean): Promise<Profile> {
  const api = createSessionApi(server);
  const provider = await api.findProvider();
  if (provider === null) {
    throw usageError('no client is named. Add --client-id ID, or --root FILE for the root client.');
  }
  const browser = onDevice ? undefined : findBrowser(process.env);
  const sessionSecret =
    browser === undefined ? await signInWithDevice(api) : await signInWithBrowser(api, provider.url, browser);
  const { admin } = createServerConnection({ server, clientId: '', sessionSecret });
  return { server, clientId: (await admin.tokens.whoami()).client_id, sessionSecret };
}

async function readRootFile(file: string): Promise<{ clientId: string; clientSecret: string }> {
  const { OAUTH_ROOT_CLIENT_ID: clientId, OAUTH_ROOT_CLIENT_SECRET: clientSecret } = parseEnv(await readInput(file));
  if (!clientId || !clientSecret) {
    throw usageError(`${file} lacks OAUTH_ROOT_CLIENT_ID or OAUTH_ROOT_CLIENT_SECRET. Is it the root.env of a server?`);
  }
  return { clientId, clientSecret };
}
