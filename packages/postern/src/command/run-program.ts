/** Runs a program of verbs, and reports what they throw on standard error and by an exit code. */
import { existsSync } from 'node:fs';
import { showName } from '@postern/protocol';
import { type Command, CommanderError } from 'commander';
import { oneLine } from '../output/terminal-text.ts';
import { CommandError } from './command-error.ts';
import { exitCodes } from './exit-code.ts';

/**
 * Sets the exit code of the process, and lets it end by itself once everything is written. `explain` makes a
 * `CommandError` of errors of libraries that it knows.
 */
export async function runProgram(
  program: Command,
  args: readonly string[],
  explain: (error: unknown) => Promise<unknown>,
): Promise<void> {
  // The reader of the output may stop before its end, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.bug);
  });
  throwInsteadOfExit(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(await explain(error), args);
  }
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const verb of command.commands) {
    throwInsteadOfExit(verb);
  }
}

function report(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    // Help and version are printed already. Help that nobody asked for is for a verb that needs another one.
    if (error.exitCode === 0 || error.code === 'commander.help') {
      return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    }
    return tell(new CommandError(toSentence(error.message), { exit: 'usage' }), args);
  }
  if (error instanceof CommandError) {
    return tell(error, args);
  }
  process.stderr.write(`postern: internal error. Please report it.\n${(error as Error).stack}\n`);
  return exitCodes.bug;
}

function tell({ message, code, exit }: CommandError, args: readonly string[]): number {
  const text = oneLine(hideSecrets(message, args));
  const asJson = args.includes('--json');
  process.stderr.write(
    asJson ? `${JSON.stringify({ error: code, detail: text, exit_code: exitCodes[exit] })}\n` : `postern: ${text}\n`,
  );
  return exitCodes[exit];
}

/**
 * Hides what was passed by mistake and may be a secret: text of 20 characters or more in which letters, capitals and digits
 * mix, which is no path of a file.
 */
function hideSecrets(message: string, args: readonly string[]): string {
  const parts = args.flatMap((arg) => [arg, ...arg.split(/[=,/]/)]);
  const secrets = parts.filter((part) => /^[-\w+.~]{20,}$/.test(part) && showName(part) !== part && !existsSync(part));
  return secrets.reduce((text, secret) => text.replaceAll(secret, '(not shown)'), message);
}

/** Commander begins its messages with "error:" and may put a suggestion on a line of its own. */
function toSentence(message: string): string {
  return `${message.replace(/^error: /, '').replaceAll('\n', ' ')}. Add --help to see how it is used.`;
}
