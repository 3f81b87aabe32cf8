/** A plan in a file, so that what is applied is what was reviewed. A change that somebody has made since ends it. */
import type { Change as ChangingCall } from '@postern/admin';
import { usageError } from '../command/command-error.ts';
import { readJson } from '../input/json-input.ts';
import { writePrivateFile } from '../output/private-file.ts';
import type { Plan } from './plan.ts';

/** Changes with the members of the file. */
const version = 1;

interface SavedPlan extends Omit<Plan, 'calls'> {
  readonly plan_version: number;
  /** The only server for which it is. */
  readonly server: string;
  readonly calls: readonly { readonly operation: ChangingCall<unknown>; readonly about: string }[];
}

/** Writes a file that only its owner can read. Throws `CommandError`. */
export async function savePlan(file: string, server: string, { calls, ...plan }: Plan): Promise<void> {
  const saved: SavedPlan = {
    plan_version: version,
    server,
    ...plan,
    calls: calls.map(({ operation, describe }) => ({ operation, about: describe('') })),
  };
  try {
    await writePrivateFile(file, `${JSON.stringify(saved, null, 2)}\n`);
  } catch (error) {
    throw usageError(`cannot write ${file} (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Throws `CommandError` if the file is no plan, or one for another server. */
export async function readPlan(file: string, server: string): Promise<Plan> {
  const saved = await readJson<Partial<SavedPlan> | null>(file);
  if (saved?.plan_version !== version || !Array.isArray(saved.calls) || !Array.isArray(saved.changes)) {
    throw usageError(`${file} is no plan of this version of the command. Create one: postern plan --out FILE`);
  }
  if (saved.server !== server) {
    throw usageError(`${file} is a plan for ${saved.server}, and the command is connected to ${server}.`);
  }
  const { calls, ...plan } = saved as SavedPlan;
  return { ...plan, calls: calls.map(({ operation, about }) => ({ operation, describe: () => about })) };
}
