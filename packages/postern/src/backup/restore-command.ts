/** `postern restore`: makes the database what it was at a backup, and says what came back to life by it. */
import type { Command } from 'commander';
import { verb } from '../command/verb.ts';
import { print } from '../output/output.ts';
import { oneLine } from '../output/terminal-text.ts';
import type { Ended, RestoreOptions } from './local-restore.ts';
import { formatCount, formatEnd, reportSteps } from './rows-output.ts';

export function restoreCommand(): Command {
  return verb('restore', 'Make the database what it was at a backup. Stop the server first.', [
    ['restore postern-2026-11-27.db', 'into an empty data directory with the master.key and root.env of the backup'],
    [
      'restore postern-2026-11-27.db --replace --revoke-all-tokens --replay-audit trail.jsonl',
      'over a database, which is kept beside; nothing comes back to life',
    ],
  ])
    .argument('<file>', 'file that postern backup wrote')
    .option('--env-file <file>', 'file with the variables of the server, one NAME=value per line')
    .option('--replace', 'restore over a database that has data; it is kept beside')
    .option('--revoke-all-tokens', 'also revoke every token that was issued before now; clients request new ones')
    .option(
      '--replay-audit <file>',
      'also end again what ended after the backup, by the audit trail that you shipped: lines of postern audit tail --json',
    )
    .addHelpText(
      'after',
      'What was revoked, disabled, replaced or deleted after the backup is valid again. The command prints what that is, as far as\n' +
        'the audit trail or the database that is replaced says, and what was done about it.\n' +
        '--replay-audit gives nobody anything: clients that were created after the backup, and new secrets, stay lost.',
    )
    .action(restore);
}

async function restore(path: string, _options: unknown, command: Command): Promise<void> {
  const { restoreLocally } = await import('./local-restore.ts');
  const options = command.opts<RestoreOptions>();
  const steps = reportSteps();
  const { target, rows, end, kept, ended } = await restoreLocally(path, options, steps.report);
  steps.end();
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const answer = {
    file: path,
    to: target,
    rows: total,
    tables: rows,
    audit_sequence: end.sequence,
    kept: kept ?? null,
    ended: ended ?? null,
    all_tokens_revoked: options.revokeAllTokens === true,
  };
  print(
    command,
    answer,
    () =>
      `Restored ${formatCount(total, 'row')} to ${target}, and verified each. The audit trail of the backup ends ${formatEnd(end)}.\n` +
      (kept === undefined ? '' : `What was there before is in ${kept}.\n`) +
      describeEnded(ended) +
      (options.revokeAllTokens ? 'Every token that was issued before now is revoked.\n' : ''),
  );
}

function describeEnded(ended: readonly Ended[] | undefined): string {
  if (ended === undefined) {
    return (
      'What was revoked, disabled, replaced or deleted after that is valid again, and nothing here says what it is. End it again by the\n' +
      'audit trail that you shipped (--replay-audit), or by the log of that time.\n'
    );
  }
  if (ended.length === 0) {
    return 'Nothing was revoked, disabled, replaced or deleted after that.\n';
  }
  const [again, not] = [ended.filter((one) => one.ended_again), ended.filter((one) => !one.ended_again)];
  return (
    listEnded('Had ended after that, and was ended again:', again) +
    listEnded('Had ended after that, and is valid again unless the backup does not have it. Decide about each:', not)
  );
}

/** Lines of each list that are printed; `--json` has all. */
const mostLines = 50;

function listEnded(title: string, ended: readonly Ended[]): string {
  if (ended.length === 0) {
    return '';
  }
  const lines = ended.slice(0, mostLines).map(({ at, text }) => `  ${at}  ${oneLine(text)}\n`);
  const rest = ended.length > mostLines ? `  … and ${ended.length - mostLines} more, which --json lists\n` : '';
  return `${title}\n${lines.join('')}${rest}`;
}
