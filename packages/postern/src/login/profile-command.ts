/** `postern profile`: which servers one is signed in to, and which of them is used. */
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { verb, verbGroup } from '../command/verb.ts';
import { profilesPath, readProfiles, writeProfiles } from '../connection/profile.ts';
import { print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';

export function profileCommand(): Command {
  return verbGroup('profile', 'List and choose the profiles that login created.', [
    verb('list', 'List the profiles; never their secrets.', [['profile list', 'with the current one marked']]).action(
      list,
    ),
    verb('use', 'Make a profile the current one.', [['profile use ci', 'for all following commands']])
      .argument('<name>', 'name of a profile')
      .action(use),
  ]);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { current, byName } = await readProfiles(profilesPath(process.env));
  const profiles = Object.entries(byName).map(([name, { server, clientId }]) => ({
    name,
    current: name === current,
    server,
    client_id: clientId,
  }));
  print(command, profiles, () =>
    profiles.length === 0
      ? 'No profiles. Create one: postern login\n'
      : formatTable(
          ['', 'name', 'server', 'client'],
          profiles.map((one) => [one.current ? '*' : ' ', one.name, one.server, one.client_id]),
        ),
  );
}

async function use(name: string, _options: unknown, command: Command): Promise<void> {
  const path = profilesPath(process.env);
  const { byName } = await readProfiles(path);
  if (!Object.hasOwn(byName, name)) {
    throw usageError(`there is no profile "${name}". See: postern profile list`);
  }
  await writeProfiles(path, { current: name, byName });
  print(command, { profile: name }, () => `The current profile is "${name}".\n`);
}
