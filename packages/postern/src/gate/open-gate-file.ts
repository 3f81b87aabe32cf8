/** Reads the file of a gate, and names the line of everything that is wrong with it. */
import { dirname, resolve } from 'node:path';
import { type GateConfig, GateFile, type GateFileFault, type GateOptions, readGateFile } from '@postern/gate';
import { usageError } from '../command/command-error.ts';
import { createSchemaCheck } from '../files/check-schema.ts';
import { describeFaults, formatSteps, parseSource } from '../files/yaml-source.ts';
import { readInput, readSecret } from '../input/read-input.ts';

const findSchemaFaults = createSchemaCheck(GateFile);

/** Throws `CommandError`. A relative path of the secret is relative to the file. */
export async function openGateFile(file: string): Promise<GateOptions> {
  const { source, faults } = parseSource(file, await readInput(file));
  const requireNone = (found: readonly GateFileFault[]) => {
    if (found.length > 0) {
      const located = found.map(({ path, text }) => ({
        place: source.placeOf(path),
        text: [formatSteps(path), text].filter((part) => part !== '').join(': '),
      }));
      throw usageError(describeFaults(located));
    }
  };
  if (faults.length > 0) {
    throw usageError(describeFaults(faults));
  }
  requireNone(findSchemaFaults(source.value));
  const read = readGateFile(source.value as GateFile);
  if (isFaults(read)) {
    requireNone(read);
  }
  const config = read as GateConfig;
  const { revocations } = config;
  return {
    config,
    clientSecret: revocations && (await readSecret(resolve(dirname(file), revocations.client_secret_file))),
  };
}

function isFaults(read: GateConfig | readonly GateFileFault[]): read is readonly GateFileFault[] {
  return Array.isArray(read);
}
