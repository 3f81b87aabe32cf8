/** Measures what other clients notice of a flood: success and latency of a steady rate of calls, quiet and under attack. */
import { Worker } from 'node:worker_threads';
import type { Findings } from './attack.ts';
import type { BystanderOptions, Observation } from './bystander-calls.ts';
import type { Target } from './target.ts';

/** How much slower others may become. */
const mostTimesSlower = 3;

/** How much memory a flood may take, in MB, in each process of the server. */
const mostGrowthMb = 400;

/**
 * Runs `flood` until its signal aborts, and measures a client, an administrator and a reader of the keys before and
 * meanwhile, all of them at `127.0.0.1`.
 */
export async function measureUnderFlood(
  target: Target,
  findings: Findings,
  flood: (over: AbortSignal) => Promise<void>,
): Promise<void> {
  const client = await target.createClient({ scopes: ['policy:read'] });
  const administrator = await target.createClient({ scopes: ['client:read', 'client:update', 'policy:read'] });
  const options = { port: target.port, seconds: target.seconds, client, administrator };
  await observe({ ...options, seconds: 1 });
  const quiet = await observe(options);
  const quietMb = target.peakMemoryMb();
  const over = new AbortController();
  const attack = flood(over.signal);
  const attacked = await observe(options);
  over.abort();
  await attack;
  const peakMb = target.peakMemoryMb();

  for (const [kind, { sent, failures, p99 }] of Object.entries(attacked)) {
    const before = quiet[kind as keyof Observation].p99;
    findings.check(`${kind} of others succeed`, failures.length === 0, `${failures.length} of ${sent}: ${failures[0]}`);
    findings.check(
      `${kind} of others take at most ${mostTimesSlower} times as long`,
      p99 <= mostTimesSlower * before,
      `p99 ${p99.toFixed(1)} ms instead of ${before.toFixed(1)} ms`,
    );
    findings.measured(`${kind} p99 ${before.toFixed(1)} → ${p99.toFixed(1)} ms`);
  }
  findings.check('memory is bounded', peakMb - quietMb < mostGrowthMb * target.workers, `${quietMb} → ${peakMb} MB`);
  findings.measured(`memory ${quietMb} → ${peakMb} MB`);
}

/** In a thread of its own, so that the work of the attacker is not measured. */
function observe(workerData: BystanderOptions): Promise<Observation> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./bystander-calls.ts', import.meta.url), { workerData });
    worker.once('message', resolve).once('error', reject);
  });
}

/** Repeats `call` with `parallel` at a time until the signal aborts; the number of calls. */
export async function repeat(over: AbortSignal, parallel: number, call: (index: number) => Promise<unknown>) {
  let calls = 0;
  const lane = async () => {
    while (!over.aborted) {
      calls += 1;
      await call(calls);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return calls;
}
