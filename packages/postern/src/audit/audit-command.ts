/** `postern audit`: the audit trail, which holds every change. */
import type { Checkpoint } from '@postern/server/admin-contract';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { checkpointPath } from './event.ts';
import { tailCommand } from './tail-command.ts';
import { verifyCommand } from './verify-command.ts';

export function auditCommand(): Command {
  return verbGroup('audit', 'Follow the audit trail, and prove that nobody changed it.', [
    tailCommand(),
    verifyCommand(),
    serverVerb('checkpoint', 'Print where the trail ends now, signed: JSON to keep where the database is not.', [
      ['audit checkpoint > 2026-01.json', 'for audit verify --checkpoint'],
    ]).action(checkpoint),
  ]);
}

async function checkpoint(_options: unknown, command: Command): Promise<void> {
  const api = await connect(command);
  process.stdout.write(`${JSON.stringify(await api.get<Checkpoint>(checkpointPath), null, 2)}\n`);
}
