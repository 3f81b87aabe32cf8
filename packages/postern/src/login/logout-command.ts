/** `postern logout`: deletes a profile with its secret. */
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { verb } from '../command/verb.ts';
import { profilesPath, readProfiles, writeProfiles } from '../connection/profile.ts';
import { print } from '../output/output.ts';
import { createSessionApi } from '../session/session-api.ts';

export function logoutCommand(): Command {
  return verb(
    'logout',
    'Delete a profile and its secret. The session of a person ends; a client and its tokens remain valid on the server.',
    [
      ['logout', 'the current profile'],
      ['logout --profile ci', 'another one'],
    ],
  )
    .option('--profile <name>', 'profile to delete')
    .action(logout);
}

async function logout(_options: unknown, command: Command): Promise<void> {
  const path = profilesPath(process.env);
  const { current, byName } = await readProfiles(path);
  const name = command.opts<{ profile?: string }>().profile ?? current;
  if (name === undefined || !Object.hasOwn(byName, name)) {
    throw usageError(
      `there is no ${name === undefined ? 'current profile' : `profile "${name}"`}. See: postern profile list`,
    );
  }
  const { [name]: profile, ...others } = byName;
  if (profile !== undefined && 'sessionSecret' in profile) {
    await createSessionApi(profile.server).end(profile.sessionSecret);
  }
  await writeProfiles(path, { current: current === name ? undefined : current, byName: others });
  print(command, { profile: name }, () => `Profile "${name}" deleted.\n`);
}
