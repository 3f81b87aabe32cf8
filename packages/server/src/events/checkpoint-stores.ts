/** Where checkpoints are kept outside of the database: a file, or a bucket of an S3-like store (AWS Signature Version 4). */
import { appendFile, readFile } from 'node:fs/promises';
import { AwsClient } from 'aws4fetch';
import type { CheckpointBucket } from '../config/config.ts';
import type { Checkpoint } from './checkpoint.ts';

export interface CheckpointStore {
  keep(checkpoint: Checkpoint): Promise<void>;
  /** The checkpoints that were kept and can be read again. Rejects if it cannot tell. */
  read(): Promise<readonly Checkpoint[]>;
}

/** A file to which each checkpoint is appended as a line. Its own server signs them, so each line is verified by `isOwn`. */
export function createCheckpointFile(path: string, isOwn: (checkpoint: Checkpoint) => boolean): CheckpointStore {
  return {
    keep: (checkpoint) => appendFile(path, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600, flush: true }),
    async read() {
      const lines = (await readIfPresent(path)).split('\n').filter((line) => line !== '');
      return lines.map((line, index) => {
        const checkpoint = parseLine(line);
        if (checkpoint === undefined || !isOwn(checkpoint)) {
          throw new Error(`line ${index + 1} of ${path} is not a checkpoint that this server signed`);
        }
        return checkpoint;
      });
    },
  };
}

function parseLine(line: string): Checkpoint | undefined {
  try {
    return JSON.parse(line) as Checkpoint;
  } catch {
    return undefined;
  }
}

async function readIfPresent(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return '';
    }
    throw error;
  }
}

/** Milliseconds that the store may take to answer. */
const timeoutMs = 10_000;

/** An object for each checkpoint. They are only written, so that credentials that cannot read or delete are enough. */
export function createCheckpointBucket({ url, credentials }: CheckpointBucket): CheckpointStore {
  const client = credentials && new AwsClient({ ...credentials, service: 's3', retries: 0 });
  return {
    async keep(checkpoint) {
      const object = `${url}/${checkpoint.log_id}/${String(checkpoint.sequence).padStart(12, '0')}.json`;
      const request = {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(checkpoint),
        redirect: 'error' as const,
        signal: AbortSignal.timeout(timeoutMs),
      };
      const response = await (client === undefined ? fetch(object, request) : client.fetch(object, request));
      await response.body?.cancel();
      if (!response.ok) {
        throw new Error(`the store of checkpoints answers ${response.status} to PUT ${object}`);
      }
    },
    read: async () => [],
  };
}
