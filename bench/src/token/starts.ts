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
    const data = join(directory, `start-${i}`);
    for (const measured of [onNewData, onUsedData]) {
      const { server, startMs } = await startPostern(data, core);
      measured.push(startMs);
      await server.stop();
    }
  }
  return { onNewData, onUsedData };
}
