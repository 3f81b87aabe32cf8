/** How long Postern takes from the start of its process to the first token, on a new data directory and on a used one. */
import { join } from 'node:path';
import { startPostern } from './postern.ts';

export interface Starts {
  /** Milliseconds each. */
  readonly onNewData: readonly number[];
  readonly onUsedData: readonly number[];
}

const times = 5;

export async function measureStarts(directory: string, core: number | undefined): Promise<Starts> {
  const onNewData: number[] = [];
  const onUsedData: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const [first = 0, second = 0] = await timeStarts(join(directory, `start-${i}`), core, 2);
    onNewData.push(first);
    onUsedData.push(second);
  }
  return { onNewData, onUsedData };
}

/** Starts one after the other on the same data, in milliseconds each. */
export async function timeStarts(data: string, core: number | undefined, count: number): Promise<number[]> {
  const startsMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const { server, startMs } = await startPostern(data, core);
    startsMs.push(startMs);
    await server.stop();
  }
  return startsMs;
}
