/**
 * What others notice while somebody guesses the secret of one client: the latency of good clients at a steady rate, with
 * and without 1,000 wrong secrets from another address in the same time. The rates are far below what the server can
 * do, so that latency tells of the attack and not of a full machine.
 */
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepResults, makeBenchDirectory } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { takeCores } from '../cores.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatTable } from '../table.ts';
import { createClient, startPostern, tokenPath } from '../token/postern.ts';
import { tokenForm } from '../token/token-request.ts';

const wrongSecrets = 1_000;
const goodPerSecond = 200;
const goodClients = 10;
const scope = 'policy:read';

interface Window {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers to the attacker, by status. */
  readonly attacker: Readonly<Record<number, number>>;
}

export async function benchAttack({ rounds, seconds }: BenchOptions): Promise<void> {
  const cores = takeCores();
  const directory = makeBenchDirectory();
  const postern = await startPostern(join(directory, 'data'), typeof cores === 'string' ? undefined : cores.server);
  const goodForms: string[] = [];
  for (let made = 0; made < goodClients; made += 1) {
    goodForms.push(tokenForm(await createClient(postern, scope)));
  }
  const victim = await createClient(postern, scope);
  const wrongForm = tokenForm({ ...victim, clientSecret: 'x'.repeat(56) });
  const good = createCaller(postern.port, '127.0.0.1');
  const attacker = createCaller(postern.port, '127.0.0.2');

  const measure = async (isAttacked: boolean): Promise<Window> => {
    const latencies: number[] = [];
    const statuses: Record<number, number> = {};
    const attack = async () => {
      await paced(wrongSecrets, seconds, async () => {
        const status = await attacker(wrongForm);
        statuses[status] = (statuses[status] ?? 0) + 1;
      });
    };
    const work = paced(goodPerSecond * seconds, seconds, async (index) => {
      const sentAt = performance.now();
      const status = await good(goodForms[index % goodForms.length] as string);
      if (status !== 200) {
        throw new Error(`a good client was answered ${status}`);
      }
      latencies.push(performance.now() - sentAt);
    });
    await Promise.all([work, isAttacked ? attack() : undefined]);
    const sorted = latencies.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.ceil(part * sorted.length) - 1] as number;
    return { p50: at(0.5), p99: at(0.99), attacker: statuses };
  };

  await measure(false);
  const quiet: Window[] = [];
  const attacked: Window[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    console.error(`bench: Round ${round} of ${rounds}`);
    quiet.push(await measure(false));
    attacked.push(await measure(true));
  }
  await postern.server.stop();

  const median = (windows: readonly Window[], value: 'p50' | 'p99') =>
    spreadOf(windows.map((one) => one[value])).median;
  const row = (title: string, windows: readonly Window[]) => [
    title,
    `${median(windows, 'p50').toFixed(2)} ms`,
    `${median(windows, 'p99').toFixed(2)} ms`,
    Object.entries(windows[0]?.attacker ?? {})
      .map(([status, count]) => `${count} × ${status}`)
      .join(', '),
  ];
  console.log(
    [
      '',
      `Good clients at ${goodPerSecond} tokens/s while one client is attacked with ${wrongSecrets} wrong secrets in ${seconds} s; ` +
        `medians of ${rounds} rounds`,
      formatMachine(describeMachine()),
      '',
      ...formatTable([
        ['', 'p50', 'p99', 'answers to the attacker, first round'],
        row('without attack', quiet),
        row('under attack', attacked),
      ]),
      '',
      `p99 under attack: ${(median(attacked, 'p99') / median(quiet, 'p99')).toFixed(2)} times that without`,
      '',
    ].join('\n'),
  );
  keepResults('attack', {
    date: new Date().toISOString(),
    machine: describeMachine(),
    options: { rounds, seconds },
    cores,
    quiet,
    attacked,
  });
}

/** Begins `count` calls evenly over `seconds`, whether those before are answered or not. Resolves when all are. */
async function paced(count: number, seconds: number, call: (index: number) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const pending: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const waitMs = startedAt + (index * seconds * 1_000) / count - performance.now();
    if (waitMs > 1) {
      await sleep(waitMs);
    }
    pending.push(call(index));
  }
  await Promise.all(pending);
}

/** Token requests from a loopback address, on connections that stay open; resolves with the status. */
function createCaller(port: number, localAddress: string): (form: string) => Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  return (form) =>
    new Promise((resolve, reject) => {
      const outgoing = request({
        agent,
        host: '127.0.0.1',
        port,
        path: tokenPath,
        localAddress,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': form.length },
      });
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      outgoing.end(form);
    });
}
