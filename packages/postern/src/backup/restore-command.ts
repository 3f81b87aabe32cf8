/** `postern restore`: makes the database what it was at a backup, and says what came back to life by it. */
import type { Command } from 'commander';
import { verb } from '../command/verb.ts';
import { note, print } from '../output/output.ts';
import { oneLine } from '../output/terminal-text.ts';
import type { RestoreOptions, Revived } from './local-restore.ts';
import { formatCount, formatEnd, reportSteps } from './rows-output.ts';

export function restoreCommand(): Command {
  return verb('restore', 'Make the database what it was at a backup. Stop the server first.', [
    ['restore postern-2026-11-27.db', 'into an empty data directory with the master.key and root.env of the backup'],
    ['restore postern-2026-11-27.db --replace', 'over a database, which is kept beside'],
  ])
    .argument('<file>', 'file that postern backup wrote')
    .option('--env-file <file>', 'file with the variables of the server, one NAME=value per line')
    .option('--replace', 'restore over a database that has data; it is kept beside')
    .addHelpText(
      'after',
      'What was revoked, disabled or deleted after the backup is valid again. The command says what that is, as far as it can be\n' +
        'known: from the database that is replaced.',
    )
    .action(restore);
}

async function restore(path: string, _options: unknown, command: Command): Promise<void> {
  const { restoreLocally } = await import('./local-restore.ts');
  const steps = reportSteps();
  const { target, rows, end, kept, revived } = await restoreLocally(path, command.opts<RestoreOptions>(), steps.report);
  steps.end();
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const answer = {
    file: path,
    to: target,
    rows: total,
    tables: rows,
    audit_sequence: end.sequence,
    kept: kept ?? null,
    valid_again: revived ?? null,
  };
  print(
    command,
    answer,
    () =>
      `Restored ${formatCount(total, 'row')} to ${target}, and verified each. The audit trail of the backup ends ${formatEnd(end)}.\n` +
      (kept === undefined ? '' : `What was there before is in ${kept}.\n`),
  );
  note(command, describeRevived(revived));
}

/** Lines of what is valid again that are printed; `--json` has all. */
const mostLines = 50;

function describeRevived(revived: readonly Revived[] | undefined): string {
  if (revived === undefined) {
    return (
      'What was revoked, disabled or deleted after that is valid again, and nothing here says what it is. Revoke it again by\n' +
      'the audit trail or the log of that time.'
    );
  }
  if (revived.length === 0) {
    return 'Nothing was revoked, disabled or deleted after that.';
  }
  const lines = revived.slice(0, mostLines).map(({ at, text }) => `  ${at}  ${oneLine(text)}\n`);
  const rest = revived.length > mostLines ? `  … and ${revived.length - mostLines} more (--json lists all)\n` : '';
  return `Valid again is what ended after that:\n${lines.join('')}${rest}Revoke again what must not be valid.`;
}
