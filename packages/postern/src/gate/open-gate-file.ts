/** Reads the file of a gate, and names the line of everything that is wrong with it. */
import { dirname, resolve } from 'node:path';
import { type GateConfig, GateFile, type GateFileFault, type GateOptions, readGateFile } from '@postern/gate';
import { usageError } from '../command/command-error.ts';
import { createSchemaCheck } from '../files/check-schema.ts';
import { describeFaults, formatSteps, parseSource } from '../files/yaml-source.ts';
import { readInput, readSecret } from '../input/read-input.ts';

const findSchemaFaults = createSchemaCheck(GateFile);

/** Of the key of DPoP nonces, in characters. */
const leastKeyLength = 32;

/** Throws `CommandError`. Relative paths of secrets are relative to the file. */
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
  const { revocations, dpopNonces } = config;
  const readBeside = (path: string) => readSecret(resolve(dirname(file), path));
  const nonceKey = dpopNonces && (await readBeside(dpopNonces.key_file));
  if (nonceKey !== undefined && nonceKey.length < leastKeyLength) {
    requireNone([
      {
        path: ['dpop_nonces', 'key_file'],
        text: `has a key of less than ${leastKeyLength} characters. Make one with: openssl rand -base64 32`,
      },
    ]);
  }
  return {
    config,
    clientSecret: revocations && (await readBeside(revocations.client_secret_file)),
    dpopNonceKey: nonceKey === undefined ? undefined : Buffer.from(nonceKey),
  };
}

function isFaults(read: GateConfig | readonly GateFileFault[]): read is readonly GateFileFault[] {
  return Array.isArray(read);
}
