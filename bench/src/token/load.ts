/**
 * The load: connections that each send one request, wait for its answer and send the next. Written on sockets, for
 * the generator has one core as the server has, and a general HTTP client would need more of it than the server does.
 */
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../bench-error.ts';

export interface LoadTarget {
  readonly name: string;
  readonly port: number;
  /** One whole HTTP/1.1 request, the next to be sent. */
  readonly nextRequest: () => Buffer;
  /** Keep-alive connections, each with one request under way at any time. Default: `connectionCount`. */
  readonly connections?: number;
}

export interface LoadResult {
  /** All answers since the load began, also those before the measurement. */
  readonly answers: number;
  readonly answersPerSecond: number;
  /** Milliseconds from writing a request to having its answer whole. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The part of one core that the generator itself used, 0 to 1. */
  readonly generatorBusy: number;
  /** The body of every thousandth answer. */
  readonly samples: readonly string[];
}

/** Connections, if a target does not say how many. */
export const connectionCount = 32;

/** Milliseconds of load before the measurement starts. */
const leadInMs = 300;

const sampleEvery = 1000;

/** Begins a load, which tells of each answer and of the first fault; returns what ends it. */
export type OpenLoad = (
  onAnswer: (latencyMs: number, body: string) => void,
  onFault: (error: BenchError) => void,
) => () => void;

/** Puts load on a server and measures. Throws `BenchError` for any answer but 200 and 201, and for a connection that ends. */
export function applyLoad(target: LoadTarget, seconds: number): Promise<LoadResult> {
  const connections = target.connections ?? connectionCount;
  return measureLoad((onAnswer, onFault) => {
    const sockets = Array.from({ length: connections }, () => openConnection(target, onAnswer, onFault));
    return () => {
      for (const socket of sockets) {
        socket.destroy();
      }
    };
  }, seconds);
}

/** Measures a load. Throws its first fault. */
export async function measureLoad(open: OpenLoad, seconds: number): Promise<LoadResult> {
  const latencies = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  const samples: string[] = [];
  let measuring = false;
  let answers = 0;
  let allAnswers = 0;
  const count = (latencyMs: number, body: string) => {
    allAnswers += 1;
    if (!measuring) {
      return;
    }
    latencies.record(Math.max(1, Math.round(latencyMs * 1000)));
    if (answers % sampleEvery === 0) {
      samples.push(body);
    }
    answers += 1;
  };

  const { promise: failure, reject } = Promise.withResolvers<never>();
  const close = open(count, reject);
  try {
    await Promise.race([failure, sleep(leadInMs)]);
    const cpuBefore = process.cpuUsage();
    const startMs = performance.now();
    measuring = true;
    await Promise.race([failure, sleep(seconds * 1000)]);
    measuring = false;
    const elapsedMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      answers: allAnswers,
      answersPerSecond: (answers * 1000) / elapsedMs,
      p50Ms: latencies.percentile(50) / 1000,
      p99Ms: latencies.percentile(99) / 1000,
      generatorBusy: (user + system) / 1000 / elapsedMs,
      samples,
    };
  } finally {
    close();
  }
}

function openConnection(
  { name, port, nextRequest }: LoadTarget,
  onAnswer: (latencyMs: number, body: string) => void,
  onFault: (error: BenchError) => void,
): Socket {
  let sentAtMs = 0;
  let received = '';
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const send = () => {
    sentAtMs = performance.now();
    socket.write(nextRequest());
  };
  socket.on('connect', send);
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const answer = readAnswer(received);
    if (answer === undefined) {
      return;
    }
    if (answer.fault !== undefined) {
      onFault(new BenchError(`${name} ${answer.fault}:\n${received.slice(0, 1000)}`));
      return;
    }
    onAnswer(performance.now() - sentAtMs, answer.body);
    received = '';
    send();
  });
  socket.on('error', (error) => onFault(new BenchError(`${name}: ${error.message}`)));
  socket.on('end', () => onFault(new BenchError(`${name} closed a connection under load.`)));
  return socket;
}

type Answer = { readonly body: string; readonly fault?: undefined } | { readonly fault: string };

/** One HTTP/1.1 answer with a Content-Length, or undefined while it is not complete. */
function readAnswer(received: string): Answer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) {
    return undefined;
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(received)?.[1];
  if (length === undefined) {
    return { fault: 'answered without a Content-Length' };
  }
  const bodyStart = headEnd + 4;
  const missing = bodyStart + Number(length) - received.length;
  if (missing > 0) {
    return undefined;
  }
  if (missing < 0) {
    return { fault: 'answered more than it was asked' };
  }
  if (!/^HTTP\/1\.1 20[01] /.test(received)) {
    return { fault: 'refused a request' };
  }
  return { body: received.slice(bodyStart) };
}
