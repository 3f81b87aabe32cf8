/** What the numbers were measured on. */
import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly logicalCores: number;
  readonly memoryBytes: number;
  readonly system: string;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    logicalCores: cpus().length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
  };
}

export function formatMachine({ processor, logicalCores, system }: Machine): string {
  return `${processor}, ${logicalCores} cores, ${system}`;
}
