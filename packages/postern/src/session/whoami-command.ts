/** `postern whoami`: as whom, and with which rights, the command acts. */
import type { Command } from 'commander';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { print } from '../output/output.ts';
import { formatRecord } from '../output/table.ts';

export function whoamiCommand(): Command {
  return serverVerb('whoami', 'Show as whom you are signed in, at which server, and what you can do.', [
    ['whoami', 'with the current profile'],
  ]).action(whoami);
}

async function whoami(_options: unknown, command: Command): Promise<void> {
  const { admin, server } = await connect(command);
  const present = await admin.tokens.whoami();
  print(command, { server, ...present }, ({ client_id, kind, name, email, role, scopes }) =>
    formatRecord([
      ['server', server],
      [kind, client_id],
      ['name', name ?? '-'],
      ...(kind === 'person'
        ? ([
            ['email', email ?? '-'],
            ['role', role ?? '-'],
          ] as [string, string][])
        : []),
      ['scopes', scopes.join(', ')],
    ]),
  );
}
