/** `postern audit verify`: whether the audit trail is unchanged. */
import { type AdminClient, AdminError, type AuditHead, type Checkpoint } from '@postern/admin';
import { maxEventPageSize } from '@postern/protocol/api-limits';
import type { Command } from 'commander';
import { CommandError, usageError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { connect, serverVerb } from '../connection/server-verb.ts';
import { readJson } from '../input/json-input.ts';
import { print } from '../output/output.ts';
import { startProgress } from '../output/progress.ts';
import { oneLine } from '../output/terminal-text.ts';
import { compareReplay, notCompared } from './compare-replay.ts';
import { isSigned } from './event.ts';
import { emptyReplay, replay } from './replay.ts';
import { type ChainFault, verifyChain } from './verify-chain.ts';

export function verifyCommand(): Command {
  return serverVerb('verify', 'Recompute the chain of hashes of the whole trail, and report the first broken link.', [
    ['audit verify', 'was an event changed, removed or inserted?'],
    ['audit verify --checkpoint 2026-01.json', 'was the trail up to that checkpoint rewritten?'],
    ['audit verify --replay', 'does the server have what the events say, or did somebody change its tables?'],
  ])
    .option('--checkpoint <file>', 'checkpoint that was kept elsewhere, from: postern audit checkpoint')
    .option('--replay', 'also compare what the events say with the clients, secrets, scopes, … that the server has')
    .addHelpText(
      'after',
      'The server verifies the MACs of the events, for which it needs its master key. Whoever has that key can rewrite the\n' +
        'trail from its first event on, or cut off its end: keep checkpoints elsewhere.\n' +
        'Exit code 0: the trail is intact. 1: it was changed, or the replay found differences.',
    )
    .action(verifyTrail);
}

async function verifyTrail(_options: unknown, command: Command): Promise<void> {
  const { checkpoint: file, replay: isReplayed } = command.opts<{ checkpoint?: string; replay?: true }>();
  const kept = file === undefined ? undefined : await readCheckpoint(file);
  const connection = await connect(command);
  const { admin } = connection;
  const head = await admin.events.getHead();
  const expected = emptyReplay();
  const progress = startProgress('events verified');
  const early = findHeadFault(head, kept);
  const { verified, fault: broken } =
    early === undefined
      ? await verifyChain({
          read: async (after) => (await admin.events.list({ after, size: maxEventPageSize })).items,
          after: { sequence: 0, hash: head.log_id },
          head,
          kept,
          progress,
          onEvent: (event) => replay(expected, event),
        })
      : { verified: 0, fault: early };
  progress.end();
  const fault = broken ?? (await findServerFault(admin));
  const differences = isReplayed && fault === undefined ? await compareReplay(connection, expected) : undefined;
  const answer = {
    intact: fault === undefined,
    log_id: head.log_id,
    verified,
    head: head.sequence,
    checkpoint: kept?.sequence ?? null,
    broken_at: fault?.sequence ?? null,
    detail: fault?.text ?? null,
    ...(differences !== undefined && { differences, not_compared: notCompared }),
  };
  print(command, answer, () =>
    fault === undefined
      ? `All ${verified} events are intact.` +
        (kept === undefined ? '\n' : ` The checkpoint of ${kept.signed_at} matches event ${kept.sequence}.\n`) +
        formatDifferences(differences)
      : `The audit trail was tampered with: ${oneLine(fault.text)}. The ${verified} events before are intact.\n`,
  );
  if (fault !== undefined || (differences?.length ?? 0) > 0) {
    process.exitCode = exitCodes.failed;
  }
}

function formatDifferences(differences: readonly string[] | undefined): string {
  if (differences === undefined) {
    return '';
  }
  const found =
    differences.length === 0
      ? 'The server has what the events say.\n'
      : differences.map((text) => `${oneLine(text)}.\n`).join('');
  return `${found}Not compared: ${notCompared}.\n`;
}

/** The server verifies more than its events show: their MACs, and the checkpoints that it keeps. */
async function findServerFault(admin: AdminClient): Promise<ChainFault | undefined> {
  try {
    if (!isSigned(await admin.events.getCheckpoint())) {
      throw new CommandError('the signature of the checkpoint that the server sent is invalid.');
    }
    return undefined;
  } catch (error) {
    if (error instanceof AdminError && error.code === 'conflict') {
      return { sequence: undefined, text: error.message.replace(/\.$/, '') };
    }
    throw error;
  }
}

/** Finds what is wrong before any event is read. */
function findHeadFault(head: AuditHead, kept: Checkpoint | undefined): ChainFault | undefined {
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
