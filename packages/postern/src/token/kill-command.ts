/** `postern kill`: ends a token, or all tokens of a client, with all that was exchanged for them, and says before and after what that is. RFC 7009 §2.1. */
import { describeTokenTree, findTokenTree, isToken, type TokenTree } from '@postern/admin';
import type { Command } from 'commander';
import { findClientId } from '../connection/find-id.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { canAsk } from '../input/ask.ts';
import { confirm } from '../input/confirm.ts';
import { note, print } from '../output/output.ts';
import { formatTable } from '../output/table.ts';
import { readToken } from './read-token.ts';

interface KillOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

export function killCommand(): Command {
  return serverVerb('kill', 'End a token, or all tokens of a client, with all that was exchanged for them.', [
    ['kill --dry-run - < token.txt', 'what would end with the token?'],
    ['kill 8f0c6c5e-5a0e-4f0b-9f0e-2f1b7d3c9a41', 'by the jti of a token, from the log of an API'],
    ['kill billing --yes', 'a client that was taken over; it may request new tokens'],
  ])
    .argument(
      '<token|jti|client>',
      'a token, the jti of one, or the name or id of a client; - reads it from standard input, where other users cannot see it',
    )
    .option('--dry-run', 'only show what would end')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      'APIs that follow the revocations of the server refuse all of it within a second. The numbers lack what other nodes\n' +
        'issued in the last seconds. That ends too: a token names those that it was exchanged for.',
    )
    .action(kill);
}

async function kill(given: string, _options: unknown, command: Command): Promise<void> {
  const { dryRun, yes } = command.opts<KillOptions>();
  const text = await readToken(given);
  const connection = await connect(command);
  const { admin } = connection;
  const { root, tree } = await findTokenTree(
    admin,
    isToken(text) ? text : await findClientId(command, connection, text),
  );
  if (dryRun) {
    print(command, tree, (found) => `This would end ${formatTree(found)}`);
    return;
  }
  if (yes !== true && canAsk()) {
    note(command, formatTree(tree));
  }
  await confirm(`This ends ${describeTokenTree(tree)}.`, yes);
  print(command, await admin.tokens.revoke(root), (ended) => `Ended: ${formatTree(ended)}`);
}

function formatTree(tree: TokenTree): string {
  const { tokens_issued, issued_to } = tree.descendants;
  const rows = issued_to.map((one) => [one.client_id, one.resource, one.tokens_issued, one.last_expires_at]);
  const table = rows.length === 0 ? '' : formatTable(['client id', 'resource', 'tokens', 'last expires'], rows);
  const rest = tokens_issued - issued_to.reduce((sum, one) => sum + one.tokens_issued, 0);
  return `${describeTokenTree(tree)}.\n${table}${rest > 0 ? `And ${rest} for other clients or resources.\n` : ''}`;
}
