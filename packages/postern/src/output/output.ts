/** What a command prints: JSON for programs where `--json` asks for it, and text for people. */
import type { Command } from 'commander';

/** Prints `value` as JSON, or what `forPeople` makes of it. */
export function print<T>(command: Command, value: T, forPeople: (value: T) => string): void {
  process.stdout.write(wantsJson(command) ? `${JSON.stringify(value, null, 2)}\n` : forPeople(value));
}

/** Prints `value` as JSON on one line, or what `forPeople` makes of it: for lists that never end. */
export function printLine<T>(command: Command, value: T, forPeople: (value: T) => string): void {
  process.stdout.write(wantsJson(command) ? `${JSON.stringify(value)}\n` : forPeople(value));
}

/** For people only, and not part of the answer: to standard error, so that pipes stay clean. */
export function note(command: Command, text: string): void {
  if (!wantsJson(command)) {
    process.stderr.write(`${text}\n`);
  }
}

export function wantsJson(command: Command): boolean {
  return command.opts()['json'] === true;
}
