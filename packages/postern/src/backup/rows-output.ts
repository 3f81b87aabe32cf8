/** How the commands that copy databases show what they do. */
import { type Progress, startProgress } from '../output/progress.ts';

export interface Steps {
  report(step: 'copied' | 'verified', done: number, total: number): void;
  end(): void;
}

/** Shows the progress of copying, and then that of verifying. */
export function reportSteps(): Steps {
  let current: { readonly step: string; readonly progress: Progress } | undefined;
  return {
    report(step, done, total) {
      if (current?.step !== step) {
        current?.progress.end();
        current = { step, progress: startProgress(`rows ${step}`) };
      }
      current.progress.report(done, total);
    },
    end: () => current?.progress.end(),
  };
}

/** Where an audit trail ends. */
export function formatEnd({ sequence, occurredAt }: { sequence: number; occurredAt: number | undefined }): string {
  return occurredAt === undefined
    ? 'before its first event'
    : `with event ${sequence} of ${new Date(occurredAt).toISOString()}`;
}

export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
