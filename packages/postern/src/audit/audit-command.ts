/** `postern audit`: the audit trail, which records every change. */
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { exportCommand } from './export-command.ts';
import { showCommand } from './show-command.ts';
import { tailCommand } from './tail-command.ts';
import { verifyCommand } from './verify-command.ts';

export function auditCommand(): Command {
  return verbGroup('audit', 'Read the audit trail, and verify that it is unchanged.', [
    tailCommand(),
    showCommand(),
    exportCommand(),
    verifyCommand(),
    serverVerb('checkpoint', 'Print a signed checkpoint of the trail, as JSON to keep away from the database.', [
      ['audit checkpoint > 2026-01.json', 'for audit verify --checkpoint'],
    ]).action(checkpoint),
  ]);
}

async function checkpoint(_options: unknown, command: Command): Promise<void> {
  const { admin } = await connect(command);
  process.stdout.write(`${JSON.stringify(await admin.events.getCheckpoint(), null, 2)}\n`);
}
