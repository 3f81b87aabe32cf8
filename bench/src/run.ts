/** `npm run bench -- <name> [--rounds <n>] [--seconds <n>]`: runs one of the benchmarks. */
import { BenchError } from './bench-error.ts';
import { type BenchOptions, parseOptions, readCount, runProgram } from './bench-options.ts';
import { benchClients } from './clients/bench-clients.ts';
import { benchGate } from './gate/bench-gate.ts';
import { benchGuard } from './guard/bench-guard.ts';
import { benchNodes } from './nodes/bench-nodes.ts';
import { benchRevocation } from './nodes/bench-revocation.ts';
import { benchScale } from './scale/bench-scale.ts';
import { benchFollowers } from './scale/followers.ts';
import { benchEndpoint } from './token/bench-endpoint.ts';
import { benchToken } from './token/bench-token.ts';

const benches: ReadonlyMap<string, (options: BenchOptions) => Promise<void>> = new Map([
  ['token', benchToken],
  ['endpoint', benchEndpoint],
  ['guard', benchGuard],
  ['gate', benchGate],
  ['clients', benchClients],
  ['nodes', benchNodes],
  ['revocation', benchRevocation],
  ['followers', benchFollowers],
  ['scale', benchScale],
]);

const usage = `Usage: npm run bench -- <name> [--rounds <n>] [--seconds <n>] [--percent <n>]
  name       ${[...benches.keys()].join(', ')}
  --rounds   rounds in which the servers take turns, 1 to 100 (default: 9)
  --seconds  seconds of measured load on each server in each round, 1 to 600 (default: 2)
  --percent  of the things of scale, and of the rounds and trees of revocation, 1 to 100 (default: 100); scale takes a few minutes
             with 1, --rounds 1 and --seconds 1`;

async function run(): Promise<void> {
  const { name, options } = readArguments();
  const bench = benches.get(name);
  if (bench === undefined) {
    throw new BenchError(`There is no benchmark "${name}".\n${usage}`);
  }
  await bench(options);
}

function readArguments(): { name: string; options: BenchOptions } {
  const { positionals, values } = parseOptions(
    {
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '9' },
        seconds: { type: 'string', default: '2' },
        percent: { type: 'string', default: '100' },
      },
    },
    usage,
  );
  if (positionals.length !== 1) {
    throw new BenchError(usage);
  }
  const options = {
    rounds: readCount('--rounds', values.rounds, 100, usage),
    seconds: readCount('--seconds', values.seconds, 600, usage),
    percent: readCount('--percent', values.percent, 100, usage),
  };
  return { name: positionals[0] as string, options };
}

await runProgram('bench', run);
