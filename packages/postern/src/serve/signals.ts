/** What signals do to `postern serve` and `postern gate`: docs/deploy.md has the table. */
import { isatty } from 'node:tty';

export interface SignalActions {
  /** At the first signal to stop. */
  readonly stop: (signal: NodeJS.Signals) => void;
  /** At each further one. */
  readonly hurry: () => void;
  /** At a signal that asks for something else. */
  readonly ignore: (signal: NodeJS.Signals) => void;
  /** At SIGHUP. Default: the same as `stop` with a terminal, and as `ignore` without one. */
  readonly reload?: () => void;
}

/** SIGQUIT is how supervisors of web servers ask for a graceful end. */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/**
 * Signals by which other servers read their configuration or open their log again. Without a handler, SIGHUP and SIGUSR2
 * would kill the process, and SIGUSR1 would open Node's debugger to everybody on the machine.
 */
const otherSignals = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

export const ignoredSignalText =
  'the signal was ignored: Postern reads its configuration at the start only. Restart it to apply changes';

/** Milliseconds from the first signal until a process that has not ended is ended; Docker would kill it after ten seconds. */
export const longestEndMs = 9_500;

/** By which the supervisor tells its workers to hurry. */
export const hurryMessage = 'postern:hurry';

/** Handles signals from here on. */
export function handleSignals({ stop, hurry, ignore, reload }: SignalActions): void {
  let isStopping = false;
  const end = (signal: NodeJS.Signals) => {
    if (isStopping) {
      hurry();
    } else {
      isStopping = true;
      stop(signal);
    }
  };
  for (const signal of stopSignals) {
    process.on(signal, end);
  }
  for (const signal of otherSignals) {
    const isReload = signal === 'SIGHUP' && reload !== undefined;
    process.on(signal, isReload ? reload : signal === 'SIGHUP' && hasTerminal() ? end : ignore);
  }
}

/** With a terminal, SIGHUP says that it was closed. */
function hasTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor));
}
