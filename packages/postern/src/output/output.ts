/** What a command prints: JSON for programs with `--json`, and otherwise text for people. */
import type { Command } from 'commander';

/** Prints `value` as JSON, or as `forPeople` formats it. */
export function print<T>(command: Command, value: T, forPeople: (value: T) => string): void {
  process.stdout.write(wantsJson(command) ? `${JSON.stringify(value, null, 2)}\n` : forPeople(value));
}

/** Prints `value` as JSON on one line, or as `forPeople` formats it: for lists without an end. */
export function printLine<T>(command: Command, value: T, forPeople: (value: T) => string): void {
  process.stdout.write(wantsJson(command) ? `${JSON.stringify(value)}\n` : forPeople(value));
}

/** Prints a note for people to standard error, so that it is not part of piped output. */
export function note(command: Command, text: string): void {
  if (!wantsJson(command)) {
    process.stderr.write(`${text}\n`);
  }
}

export function wantsJson(command: Command): boolean {
  return command.opts()['json'] === true;
}
