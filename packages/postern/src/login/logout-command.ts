/** `postern logout`: deletes a profile with its secret. */
import type { Command } from 'commander';
import { usageError } from '../command/command-error.ts';
import { verb } from '../command/verb.ts';
import { profilesPath, readProfiles, writeProfiles } from '../connection/profile.ts';
import { print } from '../output/output.ts';

export function logoutCommand(): Command {
  return verb('logout', 'Delete a profile and its secret. The client and its tokens remain valid on the server.', [
    ['logout', 'the current profile'],
    ['logout --profile ci', 'another one'],
  ])
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
  const { [name]: _, ...others } = byName;
  await writeProfiles(path, { current: current === name ? undefined : current, byName: others });
  print(command, { profile: name }, () => `Profile "${name}" deleted.\n`);
}
