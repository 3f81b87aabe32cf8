/** The load of the token benchmark on a token endpoint that runs already, of any server. */
import { BenchError } from '../bench-error.ts';
import type { BenchOptions } from '../bench-options.ts';
import { takeCores } from '../cores.ts';
import { spreadOf } from '../statistics.ts';
import { formatSpread, formatTable } from '../table.ts';
import { applyLoad } from './load.ts';
import { formatRequest, tokenForm } from './token-request.ts';

/**
 * Puts load on the endpoint at `BENCH_URL` (http) as the client `BENCH_CLIENT_ID` with `BENCH_CLIENT_SECRET`, which it sends in the
 * form, for `BENCH_SCOPE`. Prints medians. Throws `BenchError`.
 */
export async function benchEndpoint({ rounds, seconds }: BenchOptions): Promise<void> {
  const { BENCH_URL = '', BENCH_CLIENT_ID = '', BENCH_CLIENT_SECRET = '', BENCH_SCOPE } = process.env;
  const url = URL.parse(BENCH_URL);
  if (url?.protocol !== 'http:' || BENCH_CLIENT_ID === '' || BENCH_CLIENT_SECRET === '') {
    throw new BenchError('Set BENCH_URL to an http URL of a token endpoint, BENCH_CLIENT_ID and BENCH_CLIENT_SECRET.');
  }
  const cores = takeCores();
  const port = Number(url.port || 80);
  const form = tokenForm({ clientId: BENCH_CLIENT_ID, clientSecret: BENCH_CLIENT_SECRET }, BENCH_SCOPE);
  const request = formatRequest(port, url.pathname, form);
  const target = { name: BENCH_URL, port, nextRequest: () => request };
  await applyLoad(target, 10);
  const results: Awaited<ReturnType<typeof applyLoad>>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    results.push(await applyLoad(target, seconds));
  }
  const row = (title: string, measureOf: (result: (typeof results)[number]) => number, digits: number) => [
    title,
    ...formatSpread(spreadOf(results.map(measureOf)), digits),
  ];
  console.log(
    formatTable([
      ['', 'median', 'least to most'],
      row('tokens/s', ({ answersPerSecond }) => answersPerSecond, 0),
      row('p50, ms', ({ p50Ms }) => p50Ms, 2),
      row('p99, ms', ({ p99Ms }) => p99Ms, 2),
    ]).join('\n'),
  );
  console.log(
    typeof cores === 'string'
      ? cores
      : `The load on core ${cores.load}; the server should be alone on core ${cores.server}.`,
  );
}
