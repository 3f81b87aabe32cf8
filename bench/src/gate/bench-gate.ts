/**
 * Decisions that `postern gate` makes in a second on one core for tokens that it knows, as nginx asks, over kept connections, and as Envoy asks by
 * gRPC, with the headers of an ordinary caller. The gate is the command as its users start it, with the feed of an issuer that has revoked 1,000 tokens and changed
 * 1,000 clients. The rate by processor time is what other programs on the machine do not take away. In each round a bare server that
 * decides nothing gets the same load, so that the two can be compared.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { takeCores } from '../cores.ts';
import { type BenchIssuer, startIssuer } from '../guard/issuer.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { ServerProcess } from '../server-process.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import { formatMemory, formatSpread, formatTable, verdict } from '../table.ts';
import { applyLoad, type LoadResult, measureLoad } from '../token/load.ts';
import { type GrpcQuestion, grpcLoad, grpcMessage } from './grpc-load.ts';

const bareServer = fileURLToPath(new URL('./bare-server.ts', import.meta.url));
const command = fileURLToPath(new URL('../../../node_modules/.bin/postern', import.meta.url));

/** Connections of the gateway, each with one question under way at any time. */
const connections = 16;

/** Those of Envoy, which asks over few. */
const grpcConnections = 2;

const leastRate = 20_000;
const mostP99Ms = 2;

/** Runs everything, prints the table, writes `bench/results/gate.json`. */
export async function benchGate(options: BenchOptions): Promise<void> {
  const cores = takeCores();
  const directory = makeBenchDirectory();
  const issuer = await startIssuer();
  const { rounds, memory } = await measure(issuer, directory, cores, options).finally(() => issuer.close());
  const spread = (name: keyof Round): Spread => spreadOf(rounds.map((round) => round[name]));
  const [rate, cpuRate, p50, p99] = [spread('perSecond'), spread('perCpuSecond'), spread('p50Ms'), spread('p99Ms')];
  const bareCpuRate = spread('barePerCpuSecond');
  const part = spreadOf(rounds.map(({ perCpuSecond, barePerCpuSecond }) => perCpuSecond / barePerCpuSecond));
  const [grpcRate, grpcCpuRate, grpcP99] = [spread('grpcPerSecond'), spread('grpcPerCpuSecond'), spread('grpcP99Ms')];
  console.log(
    [
      '',
      `Decisions of postern gate: medians of ${options.rounds} rounds of ${options.seconds} s each, ${connections} connections`,
      `${formatMachine(describeMachine())}; Node ${process.version}`,
      typeof cores === 'string' ? cores : `Gate on core ${cores.server}, load on core ${cores.load}`,
      '',
      ...formatTable([
        ['', 'median', 'least to most', 'target', ''],
        ['decisions/s', ...formatSpread(rate, 0), `at least ${leastRate}`, verdict(rate.median >= leastRate)],
        ['decisions/s of processor time', ...formatSpread(cpuRate, 0), '', ''],
        ['answers of a bare server/s of processor time', ...formatSpread(bareCpuRate, 0), '', ''],
        ['decisions for each answer of a bare server', ...formatSpread(part, 2), '', ''],
        ['p50, ms', ...formatSpread(p50, 2), '', ''],
        ['p99, ms', ...formatSpread(p99, 2), `under ${mostP99Ms}`, verdict(p99.median < mostP99Ms)],
        ['by gRPC: decisions/s', ...formatSpread(grpcRate, 0), '', ''],
        ['by gRPC: decisions/s of processor time', ...formatSpread(grpcCpuRate, 0), '', ''],
        ['by gRPC: p99, ms', ...formatSpread(grpcP99, 2), '', ''],
        ['peak memory', formatMemory(memory), '', '', ''],
      ]),
      '',
    ].join('\n'),
  );
  keepResults('gate', {
    date: new Date().toISOString(),
    machine: describeMachine(),
    options: { ...options, connections },
    rounds,
  });
}

interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly barePerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly grpcPerSecond: number;
  readonly grpcPerCpuSecond: number;
  readonly grpcP99Ms: number;
}

async function measure(
  issuer: BenchIssuer,
  directory: string,
  cores: ReturnType<typeof takeCores>,
  options: BenchOptions,
): Promise<{ readonly rounds: readonly Round[]; readonly memory: number | undefined }> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  progress('Starting the gate');
  const gate = startGate(directory, issuer, { port, grpcPort }, typeof cores === 'string' ? undefined : cores.server);
  await gate.untilReady(async () => ((await fetch(`http://127.0.0.1:${port}/health/ready`)).ok ? true : undefined));
  const bare = await startBareServer(directory, typeof cores === 'string' ? undefined : cores.server);
  const questions = questionsOf(issuer);
  const nextRequest = inTurn(questions.map(toHttp));
  const openGrpc = grpcLoad({
    name: gate.name,
    port: grpcPort,
    nextMessage: inTurn(questions.map(grpcMessage)),
    connections: grpcConnections,
    calls: connections / grpcConnections,
  });
  const counted = async (server: ServerProcess, load: () => Promise<LoadResult>) => {
    const cpuBefore = server.cpuSeconds() ?? 0;
    const result = await load();
    return { ...result, perCpuSecond: result.answers / ((server.cpuSeconds() ?? Number.NaN) - cpuBefore) };
  };
  const load = (server: ServerProcess, target: number) =>
    counted(server, () => applyLoad({ name: server.name, port: target, nextRequest, connections }, options.seconds));
  const rounds: Round[] = [];
  for (let round = 0; round <= options.rounds; round += 1) {
    progress(round === 0 ? 'A round that does not count' : `Round ${round} of ${options.rounds}`);
    const { answersPerSecond: perSecond, perCpuSecond, p50Ms, p99Ms } = await load(gate, port);
    const { perCpuSecond: barePerCpuSecond } = await load(bare.server, bare.port);
    const grpc = await counted(gate, () => measureLoad(openGrpc, options.seconds));
    if (round > 0) {
      const byGrpc = {
        grpcPerSecond: grpc.answersPerSecond,
        grpcPerCpuSecond: grpc.perCpuSecond,
        grpcP99Ms: grpc.p99Ms,
      };
      rounds.push({ perSecond, perCpuSecond, barePerCpuSecond, p50Ms, p99Ms, ...byGrpc });
    }
  }
  const memory = gate.peakMemoryBytes();
  await Promise.all([gate.stop(), bare.server.stop()]);
  return { rounds, memory };
}

async function startBareServer(directory: string, core: number | undefined) {
  const port = await freePort();
  const server = new ServerProcess({
    name: 'bare node:http',
    command: process.execPath,
    args: [bareServer, String(port)],
    logFile: join(directory, 'bare.log'),
    core,
  });
  await server.untilReady(async () => ((await fetch(`http://127.0.0.1:${port}/`)).ok ? true : undefined));
  return { server, port };
}

function startGate(
  directory: string,
  issuer: BenchIssuer,
  { port, grpcPort }: { readonly port: number; readonly grpcPort: number },
  core: number | undefined,
): ServerProcess {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'secret'), 'secret');
  const file = join(directory, 'gate.yaml');
  // Longer than the benchmark: the issuer has no more news.
  writeFileSync(
    file,
    `issuer: ${issuer.url}
listen: 127.0.0.1:${port}
grpc: 127.0.0.1:${grpcPort}
revocations: { client_id: gate, client_secret_file: secret, max_staleness_seconds: 36000 }
apis:
  - audience: ${issuer.audience}
    rules:
${Array.from({ length: 100 }, (_, i) => `      - { path: '/v1/things-${i}/{id}', methods: [GET], scopes: ['policy:read'] }\n`).join('')}`,
  );
  return new ServerProcess({
    name: 'postern gate',
    command,
    args: ['gate', file],
    env: { ...(process.env['HOME'] && { HOME: process.env['HOME'] }) },
    logFile: join(directory, 'gate.log'),
    core,
  });
}

/** One of each token. */
function questionsOf({ tokens, audience }: BenchIssuer): GrpcQuestion[] {
  return tokens.map((token, i) => ({
    method: 'GET',
    host: new URL(audience).host,
    path: `/v1/things-${i % 100}/${i}?page=2`,
    headers: {
      'user-agent': 'caller/1.0',
      accept: 'application/json',
      'accept-encoding': 'gzip',
      authorization: `Bearer ${token}`,
    },
  }));
}

/** As nginx asks by `auth_request`. */
function toHttp({ method, host, path, headers }: GrpcQuestion): Buffer {
  const lines = [
    'GET /auth-request HTTP/1.1',
    'Host: gate',
    `X-Original-Method: ${method}`,
    `X-Original-Host: ${host}`,
    `X-Original-URI: ${path}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** Returns one after the other, and then the first again. */
function inTurn<T>(all: readonly T[]): () => T {
  let next = 0;
  return () => {
    next = (next + 1) % all.length;
    return all[next] as T;
  };
}
