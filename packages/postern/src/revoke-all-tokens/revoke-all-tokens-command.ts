/** `postern revoke-all-tokens`: revokes every token that was issued so far. */
import type { Command } from 'commander';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { confirm } from '../input/confirm.ts';
import { print } from '../output/output.ts';

export function revokeAllTokensCommand(): Command {
  return serverVerb('revoke-all-tokens', 'Revoke every token that was issued so far, of all clients.', [
    ['revoke-all-tokens', 'after a backup was restored, or tokens of many clients leaked'],
  ])
    .option('--yes', 'do not ask')
    .action(revokeAllTokens);
}

async function revokeAllTokens(_options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  await confirm(
    'This revokes every token that was issued so far, of all clients. They may request new ones at once.',
    command.opts<{ yes?: true }>().yes,
  );
  await admin.tokens.revokeAll();
  print(command, { revoked: true }, () => 'Every token that was issued so far is revoked.\n');
}
