/** Where checkpoints are kept outside of the database: a file, or a bucket of an S3-like store (AWS Signature Version 4). */

import { appendFile, readFile, truncate } from 'node:fs/promises';
import { decodeUtf8 } from '@postern/protocol';
import { AwsClient } from 'aws4fetch';
import type { CheckpointBucket } from '../config/config.ts';
import type { Checkpoint } from './checkpoint.ts';

export interface CheckpointStore {
  keep(checkpoint: Checkpoint): Promise<void>;
  /** The checkpoints that were kept and can be read again. Rejects if it cannot tell. */
  read(): Promise<readonly Checkpoint[]>;
}

/**
 * A file to which each checkpoint is appended as a line. Its own server signs them, so each line is verified by `isOwn`.
 * What follows the last end of a line is of a write that was interrupted: it was never kept, and the next one replaces it.
 */
export function createCheckpointFile(path: string, isOwn: (checkpoint: Checkpoint) => boolean): CheckpointStore {
  return {
    async keep(checkpoint) {
      const text = await readIfPresent(path);
      const whole = wholeLines(text);
      if (whole.length < text.length) {
        await truncate(path, Buffer.byteLength(whole));
      }
      await appendFile(path, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600, flush: true });
    },
    async read() {
      const lines = wholeLines(await readIfPresent(path))
        .split('\n')
        .filter((line) => line !== '');
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

const wholeLines = (text: string) => text.slice(0, text.lastIndexOf('\n') + 1);

function parseLine(line: string): Checkpoint | undefined {
  try {
    return JSON.parse(line) as Checkpoint;
  } catch {
    return undefined;
  }
}

async function readIfPresent(path: string): Promise<string> {
  try {
    return decodeUtf8(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return '';
    }
    throw error;
  }
}

/** Milliseconds that the store may take to answer. */
const timeoutMs = 10_000;

/**
 * An object for each checkpoint, named by its hash too, so that another history cannot take the place of what is there.
 * They are only written, so that credentials that cannot read or delete are enough.
 */
export function createCheckpointBucket({ url, credentials }: CheckpointBucket): CheckpointStore {
  const client = credentials && new AwsClient({ ...credentials, service: 's3', retries: 0 });
  return {
    async keep(checkpoint) {
      const { log_id, sequence, hash } = checkpoint;
      const object = `${url}/${log_id}/${String(sequence).padStart(12, '0')}-${hash.slice(0, 16)}.json`;
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
