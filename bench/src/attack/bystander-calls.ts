/** The thread of the bystanders: sends their calls at a steady rate, and posts what was answered and how fast. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { type Credentials, tokenForm } from '../token/token-request.ts';

export interface BystanderOptions {
  readonly port: number;
  readonly seconds: number;
  readonly client: Credentials;
  /** Holds client:read and client:update. */
  readonly administrator: Credentials;
}

export interface Kind {
  readonly sent: number;
  /** Status and body of each answer that is no success. */
  readonly failures: readonly string[];
  /** Milliseconds. */
  readonly p99: number;
}

/** Calls that read from memory, and calls that wait for the database. */
export type Observation = Record<'calls' | 'changes', Kind>;

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const tokenPath = '/api/v1/oauth/token';

/** Milliseconds after which a caller would give up. */
const patienceMs = 10_000;

async function observe({ port, seconds, client, administrator }: BystanderOptions): Promise<Observation> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const send = (method: string, path: string, headers: Record<string, string> = {}, body = '') =>
    new Promise<{ status: number; text: string }>((resolve) => {
      const fail = (error: Error) => resolve({ status: 0, text: `${method} ${path}: ${error.message}` });
      const outgoing = request({ host: '127.0.0.1', port, agent, method, path, headers, timeout: patienceMs });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer in ${patienceMs} ms`)));
      outgoing.once('error', fail);
      outgoing.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text })).once('error', fail);
      });
      outgoing.end(body);
    });
  const getToken = (who: Credentials) => send('POST', tokenPath, form, tokenForm(who));
  const read = ({ text }: { text: string }): string => JSON.parse(text).access_token ?? '';
  const bearer = { authorization: `Bearer ${read(await getToken(administrator))}` };
  const json = { ...bearer, 'content-type': 'application/json' };
  const revocable = await Promise.all(
    Array.from({ length: Math.ceil(seconds) }, async () => read(await getToken(client))),
  );

  const observed: Record<keyof Observation, { latencies: number[]; failures: string[] }> = {
    calls: { latencies: [], failures: [] },
    changes: { latencies: [], failures: [] },
  };
  const every = async (
    kind: keyof Observation,
    perSecond: number,
    call: (index: number) => Promise<{ status: number; text: string }>,
  ) => {
    const startedAt = performance.now();
    const pending: Promise<void>[] = [];
    for (let index = 0; index < perSecond * seconds; index += 1) {
      await sleep(Math.max(0, startedAt + (index * 1_000) / perSecond - performance.now()));
      const sentAt = performance.now();
      pending.push(
        call(index).then(({ status, text }) => {
          observed[kind].latencies.push(performance.now() - sentAt);
          if (status !== 200 && status !== 204) {
            observed[kind].failures.push(`${status} ${text.slice(0, 120)}`);
          }
        }),
      );
    }
    await Promise.all(pending);
  };
  const clientPath = `/api/v1/oauth/client/${client.clientId}`;
  await Promise.all([
    every('calls', 20, () => getToken(client)),
    every('calls', 20, () => send('GET', '/.well-known/jwks.json')),
    every('calls', 10, () => send('GET', clientPath, bearer)),
    every('changes', 4, (index) => send('PATCH', clientPath, json, JSON.stringify({ description: `change ${index}` }))),
    every('changes', 1, (index) =>
      send('POST', '/api/v1/oauth/revoke', form, `${tokenForm(client)}&token=${revocable[index]}`),
    ),
  ]);
  agent.destroy();
  const describe = ({ latencies, failures }: { latencies: number[]; failures: string[] }): Kind => ({
    sent: latencies.length,
    failures,
    p99: latencies.toSorted((a, b) => a - b)[Math.ceil(0.99 * latencies.length) - 1] ?? 0,
  });
  return { calls: describe(observed.calls), changes: describe(observed.changes) };
}

parentPort?.postMessage(await observe(workerData as BystanderOptions));
