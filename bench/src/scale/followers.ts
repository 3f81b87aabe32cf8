/**
 * What guards that follow the revocation feed cost their server: processor time for each revocation, which every guard fetches,
 * and the latency of tokens while five are revoked a second. The guards are connections that wait for news as `@postern/guard` does.
 */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../bench-error.ts';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { takeCores } from '../cores.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatTable, verdict } from '../table.ts';
import { applyLoad } from '../token/load.ts';
import { createClient, type RunningPostern, startPostern, tokenPath } from '../token/postern.ts';
import { type Credentials, formatRequest, requestToken, tokenForm } from '../token/token-request.ts';

interface FollowersResult {
  readonly followers: number;
  /** Milliseconds of processor time of the server for one revocation, in each of several rounds. */
  readonly cpuMsPerRevocation: readonly number[];
  /** Milliseconds from the answer to the call that revokes to its arrival at the last guard. */
  readonly lastGuardMs: readonly number[];
  /** Milliseconds: p99 of tokens under load, without revocations and with five a second. */
  readonly quietP99Ms: readonly number[];
  readonly p99Ms: readonly number[];
}

const followerCount = 2_000;
const revocationsPerRound = 10;
const revocationsPerSecond = 5;

/** Guards that fetch a token at the same time when they start. */
const starters = 20;

/** Milliseconds after which guards that have not received a revocation fail the benchmark. */
const lateMs = 20_000;

interface Guards {
  /** Resolves when every guard has received as many entries as were revoked so far. */
  received(count: number): Promise<void>;
  close(): void;
}

export async function benchFollowers(options: BenchOptions): Promise<void> {
  const cores = takeCores();
  const core = typeof cores === 'string' ? undefined : cores.server;
  const result = await measureFollowers(makeBenchDirectory(), core, options);
  const rows = followersRows(result).map(([title, measured, most]) => [
    title,
    measured.toFixed(1),
    `at most ${most}`,
    verdict(measured <= most),
  ]);
  const machine = describeMachine();
  console.log(['', formatMachine(machine), '', ...formatTable([['', 'median', 'target', ''], ...rows]), ''].join('\n'));
  keepResults('followers', { date: new Date().toISOString(), machine, options, cores, result });
}

async function measureFollowers(
  directory: string,
  core: number | undefined,
  { rounds, seconds }: BenchOptions,
): Promise<FollowersResult> {
  const count = followerCount;
  // Requests that are refused would not be waited for.
  const env = { POSTERN_OVERLOAD_MS: '0' };
  const postern = await startPostern(join(directory, `followers-${count}`), core, env);
  const reader = await createClient(postern, 'revocation:read');
  const client = await createClient(postern, 'policy:read');
  const tokens = await mapSome(count, () => issue(postern, reader, 'revocation:read'));
  progress(`${count} guards begin to follow`);
  const guards = await openGuards(postern.port, tokens);
  let revoked = 0;
  const revokeNext = async () => {
    const token = await issue(postern, client, 'policy:read');
    await revoke(postern, client, token);
    revoked += 1;
  };
  await guards.received(0);
  await revokeNext();
  await guards.received(revoked);

  const cpuMsPerRevocation: number[] = [];
  const lastGuardMs: number[] = [];
  const quietP99Ms: number[] = [];
  const p99Ms: number[] = [];
  const load = async () => {
    const nextRequest = () => formatRequest(postern.port, tokenPath, tokenForm(client, 'policy:read'));
    return (await applyLoad({ name: 'postern', port: postern.port, nextRequest }, seconds)).p99Ms;
  };
  for (let round = 1; round <= rounds; round += 1) {
    progress(`${count} guards, round ${round} of ${rounds}`);
    const before = postern.server.cpuSeconds() ?? Number.NaN;
    for (let index = 0; index < revocationsPerRound; index += 1) {
      await revokeNext();
      const revokedAt = performance.now();
      await guards.received(revoked);
      lastGuardMs.push(performance.now() - revokedAt);
    }
    cpuMsPerRevocation.push((1000 * ((postern.server.cpuSeconds() ?? Number.NaN) - before)) / revocationsPerRound);
    quietP99Ms.push(await load());
    let isMeasuring = true;
    const revoking = (async () => {
      while (isMeasuring) {
        await Promise.all([revokeNext(), sleep(1000 / revocationsPerSecond)]);
      }
    })();
    p99Ms.push(await load());
    isMeasuring = false;
    await revoking;
    await guards.received(revoked);
  }
  guards.close();
  await postern.server.stop();
  return { followers: count, cpuMsPerRevocation, lastGuardMs, quietP99Ms, p99Ms };
}

/** Rows of a table: what was measured, how much, and how much it may be. */
function followersRows({ followers, ...result }: FollowersResult): readonly (readonly [string, number, number])[] {
  const median = (values: readonly number[]) => spreadOf(values).median;
  return [
    [`${followers} guards: ms of CPU for a revocation`, median(result.cpuMsPerRevocation), 60],
    [`${followers} guards: ms until the last has it`, median(result.lastGuardMs), 1_000],
    [`${followers} guards: p99 of tokens without revocations, ms`, median(result.quietP99Ms), 30],
    [`${followers} guards: p99 of tokens at five revocations a second, ms`, median(result.p99Ms), 30],
  ];
}

async function issue({ port }: RunningPostern, client: Credentials, scope: string): Promise<string> {
  return JSON.parse(await requestToken(port, tokenPath, tokenForm(client, scope))).access_token;
}

async function revoke({ url }: RunningPostern, client: Credentials, token: string): Promise<void> {
  const body = new URLSearchParams({ client_id: client.clientId, client_secret: client.clientSecret, token });
  const { status } = await fetch(`${url}/api/v1/oauth/revoke`, { method: 'POST', body });
  if (status !== 200) {
    throw new BenchError(`postern answered ${status} to a revocation`);
  }
}

/** Calls `work` so many times, a few at a time. */
async function mapSome<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < count) {
    const some = Math.min(starters, count - results.length);
    results.push(...(await Promise.all(Array.from({ length: some }, work))));
  }
  return results;
}

/** Connections that follow, each with a token of its own. Some begin at the same time, and the next when these know everything. */
async function openGuards(port: number, tokens: readonly string[]): Promise<Guards> {
  const counts: number[] = [];
  const sockets: Socket[] = [];
  const open = (token: string) => {
    const index = counts.push(-1) - 1;
    let received = '';
    let cursor: string | undefined;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const ask = () => {
      const query = cursor === undefined ? '' : `?cursor=${cursor}&wait=30`;
      socket.write(
        `GET /api/v1/oauth/revocations${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n` +
          `Authorization: Bearer ${token}\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\n\r\n`,
      );
    };
    socket.on('connect', ask);
    // `received` throws it.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1]);
      if (end === -1 || received.length < end + 4 + length) {
        return;
      }
      if (!received.startsWith('HTTP/1.1 200 ')) {
        socket.destroy(new BenchError(`postern answered a guard: ${received.slice(0, 400)}`));
        return;
      }
      const page = JSON.parse(received.slice(end + 4));
      received = '';
      const revoked = page.entries.filter(({ type }: { type: string }) => type === 'token').length;
      counts[index] = cursor === undefined ? revoked : (counts[index] as number) + revoked;
      cursor = page.cursor;
      ask();
    });
    sockets.push(socket);
  };
  const received = async (count: number) => {
    const deadline = performance.now() + lateMs;
    while (counts.some((one) => one < count)) {
      const broken = sockets.find(({ errored }) => errored !== null);
      if (broken !== undefined) {
        throw broken.errored;
      }
      if (performance.now() > deadline) {
        throw new BenchError(`${counts.filter((one) => one < count).length} guards have not received a revocation`);
      }
      await sleep(2);
    }
  };
  for (let first = 0; first < tokens.length; first += starters) {
    tokens.slice(first, first + starters).forEach(open);
    await received(0);
  }
  return {
    received,
    close() {
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
