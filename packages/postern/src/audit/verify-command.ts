/** `postern audit verify`: whether the audit trail is unchanged. */
import type { Checkpoint } from '@postern/admin';
import type { Command } from 'commander';
import { CommandError, usageError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { oneLine } from '../output/terminal-text.ts';
import { isSigned } from './event.ts';
import { verifyChain } from './verify-chain.ts';

export function verifyCommand(): Command {
  return serverVerb('verify', 'Recompute the chain of hashes of the whole trail, and report the first broken link.', [
    ['audit verify', 'was an event changed, removed or inserted?'],
    ['audit verify --checkpoint 2026-01.json', 'was the trail up to that checkpoint rewritten?'],
  ])
    .option('--checkpoint <file>', 'checkpoint that was kept elsewhere, from: postern audit checkpoint')
    .addHelpText(
      'after',
      'Without a checkpoint, a trail that was rewritten from its first event on looks intact: keep one elsewhere.\n' +
        'Exit code 0: the trail is intact. 1: it was changed.',
    )
    .action(verifyTrail);
}

async function verifyTrail(_options: unknown, command: Command): Promise<void> {
  const { checkpoint: file } = command.opts<{ checkpoint?: string }>();
  const kept = file === undefined ? undefined : await readCheckpoint(file);
  const { admin } = await connect(command);
  const head = await admin.events.getCheckpoint();
  const fault = findHeadFault(head, kept);
  const progress = startProgress('events verified');
  const report = fault === undefined ? await verifyChain(admin, head, kept, progress) : { verified: 0, fault };
  progress.end();
  const answer = {
    intact: report.fault === undefined,
    log_id: head.log_id,
    verified: report.verified,
    head: head.sequence,
    checkpoint: kept?.sequence ?? null,
    broken_at: report.fault?.sequence ?? null,
    detail: report.fault?.text ?? null,
  };
  print(command, answer, () =>
    report.fault === undefined
      ? `All ${report.verified} events are intact.` +
        (kept === undefined ? '\n' : ` The checkpoint of ${kept.signed_at} matches event ${kept.sequence}.\n`)
      : `The audit trail was tampered with: ${oneLine(report.fault.text)}. The ${report.verified} events before are intact.\n`,
  );
  if (report.fault !== undefined) {
    process.exitCode = exitCodes.failed;
  }
}

/** Finds what is wrong before any event is read. */
function findHeadFault(head: Checkpoint, kept: Checkpoint | undefined) {
  if (!isSigned(head)) {
    throw new CommandError('the signature of the checkpoint that the server sent is invalid.');
  }
  if (kept === undefined) {
    return undefined;
  }
  if (kept.log_id !== head.log_id) {
    return { sequence: 0, text: `the checkpoint is of the log ${kept.log_id}, and the server's is ${head.log_id}` };
  }
  return kept.sequence > head.sequence
    ? {
        sequence: head.sequence + 1,
        text: `the log ends at event ${head.sequence}, and at ${kept.signed_at} it had ${kept.sequence}`,
      }
    : undefined;
}

/** Throws `CommandError` if it is not a checkpoint, or was changed after it was signed. */
async function readCheckpoint(file: string): Promise<Checkpoint> {
  const checkpoint = await readJson<Checkpoint>(file);
  if (typeof checkpoint?.public_key !== 'object' || typeof checkpoint.sequence !== 'number') {
    throw usageError(`${file} is not a checkpoint. Create one: postern audit checkpoint > FILE`);
  }
  if (!isSigned(checkpoint)) {
    throw usageError(`the signature of ${file} is invalid: it was changed after it was signed.`);
  }
  return checkpoint;
}
