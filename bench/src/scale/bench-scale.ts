/**
 * What grows too fast: processor time of a start and of calls on an SQLite database with few and with many of one kind of thing, the
 * longest pause of the event loop meanwhile, and the most memory. A call whose cost grows more than the number of things is flagged.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../bench-error.ts';
import { keepResults, makeBenchDirectory, progress } from '../bench-files.ts';
import type { BenchOptions } from '../bench-options.ts';
import { fillClients } from '../clients/fill-clients.ts';
import { takeCores } from '../cores.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { formatTable } from '../table.ts';
import { createClient, type RunningPostern, startPostern } from '../token/postern.ts';

/** Few things are so many times fewer than many. */
const ratio = 10;

/** Growth of more than this times the number of things is flagged: shorter calls are measured less exactly. */
const tolerance = 1.5;

interface Dimension {
  readonly things: string;
  /** At 100 percent. */
  readonly most: number;
  /** Fills the database of a server that does not run. `clientId` is that of a client. */
  fill(data: string, count: number, clientId: string): void;
  readonly calls: readonly Call[];
}

interface Call {
  readonly title: string;
  /** `number` is another one each time. */
  request(number: number): { readonly method: string; readonly path: string; readonly body?: unknown };
}

interface Measured {
  readonly cpuMs: number;
  readonly longestPauseMs: number;
}

/** Of a call, or of a start, in one round or several. */
interface Row {
  readonly call: string;
  readonly few: readonly Measured[];
  readonly many: readonly Measured[];
}

const get = (title: string, path: string): Call => ({ title, request: () => ({ method: 'GET', path }) });
const put = (title: string, path: string, body: (number: number) => unknown): Call => ({
  title,
  request: (number) => ({ method: 'PUT', path, body: body(number) }),
});

const numbers = (count: number) =>
  `with recursive numbers(number) as (select 1 union all select number + 1 from numbers where number < ${count})`;

const dimensions: readonly Dimension[] = [
  {
    things: 'clients',
    most: 1_000_000,
    fill: (data, count, clientId) => fillClients(data, clientId, count),
    calls: [
      get('list a page', '/api/v1/oauth/client?size=50'),
      get('search without a hit', '/api/v1/oauth/client?search=no-client-is-called-that'),
      get('unused scopes', '/api/v1/oauth/usage/unused?days=1'),
    ],
  },
  {
    things: 'scopes',
    most: 10_000,
    fill: (data, count) =>
      execute(data, `${numbers(count)} insert into own_scopes select printf('bench%d:read', number), 'x' from numbers`),
    calls: [
      put('save a scope', '/api/v1/oauth/scope', (number) => ({ name: `bench:new${number}`, description: 'x' })),
      {
        title: 'create a client',
        request: () => ({ method: 'POST', path: '/api/v1/oauth/client', body: ['rule:read'] }),
      },
    ],
  },
  {
    things: 'resources',
    most: 10_000,
    fill: (data, count) =>
      execute(
        data,
        `${numbers(count)} insert into resources select printf('bench%d', number),
           printf('https://bench%d.example', number), '["rule:read"]', null, null, 'at+jwt', '[]' from numbers`,
      ),
    calls: [
      put('save a resource', '/api/v1/oauth/resource', (number) => ({
        ...{ key: `new${number}`, identifier: `https://new${number}.example`, scopes: ['rule:read'] },
      })),
      get('list a page', '/api/v1/oauth/resource?size=50&cursor='),
    ],
  },
  {
    things: "issuers' rules",
    most: 20_000,
    fill: (data, count, clientId) => {
      const rule = { clientId, claims: { sub: 'a' }, scopes: null };
      const rules = JSON.stringify(Array.from({ length: 20 }, () => rule));
      execute(
        data,
        `${numbers(Math.ceil(count / 20))} insert into trusted_issuers
           (key, issuer, jwks, jwks_uri, audience, max_age_seconds, single_use, rules)
           select printf('bench%d', number), printf('https://bench%d.example', number), null, null, null, 60, 0, '${rules}'
           from numbers`,
      );
    },
    calls: [
      put('save an issuer', '/api/v1/oauth/issuer', (number) => ({
        ...{ key: `new${number}`, issuer: `https://new${number}.example`, rules: [] },
      })),
    ],
  },
  {
    things: 'revoked tokens',
    most: 1_000_000,
    fill: (data, count) =>
      execute(
        data,
        `create temp table last as select * from events order by sequence desc limit 1;
         create temp table revoked as ${numbers(count)}
           select number, printf('%08x-0000-4000-8000-%012x', (number * 2654435761) & 0xffffffff, number) as jti,
             printf('bench%d', number / 500) as client_id, unixepoch() + 86400 as exp from numbers;
         insert into events (sequence, occurred_at, actor, kind, subject, thing, data, hash, mac)
           select sequence + number, occurred_at, 'bench', 'token.revoked', jti, null,
             json_object('client_id', client_id, 'exp', exp, 'gen', 0), hash, mac
           from revoked, last;
         insert into revoked_tokens (jti, client_id, generation, expires_at) select jti, client_id, 0, exp from revoked;
         update event_head set sequence = (select max(sequence) from events)`,
      ),
    calls: [get('first page of the feed', '/api/v1/oauth/revocations')],
  },
  {
    things: 'events',
    most: 5_000_000,
    fill: (data, count) =>
      execute(
        data,
        `create temp table last as select * from events order by sequence desc limit 1;
         ${numbers(count)} insert into events (sequence, occurred_at, actor, kind, subject, thing, data, hash, mac)
           select sequence + number, occurred_at, 'bench', 'token.revoked', 'bench' || number, null, '{}', hash, mac
           from numbers, last;
         update event_head set sequence = (select max(sequence) from events)`,
      ),
    calls: [
      get('newest', '/api/v1/oauth/events?order=desc&size=50'),
      get('one kind of one client, without a hit', '/api/v1/oauth/events?actor=bench&kind=key.deleted'),
    ],
  },
];

export async function benchScale({ rounds, seconds, percent }: BenchOptions): Promise<void> {
  const cores = takeCores();
  const core = typeof cores === 'string' ? undefined : cores.server;
  const directory = makeBenchDirectory();
  const table = [['', 'few', 'ms CPU', 'many', 'ms CPU', 'growth', 'longest pause', 'memory', '']];
  const results: object[] = [];
  for (const [index, { things, most, fill, calls }] of dimensions.entries()) {
    const many = Math.max(ratio, Math.round((most * percent) / 100));
    const few = Math.round(many / ratio);
    const posterns: RunningPostern[] = [];
    const starts: Measured[] = [];
    for (const count of [few, many]) {
      progress(`Creating ${count} ${things}`);
      const data = join(directory, `${index}-${count}`);
      const prepared = await startPostern(data, core);
      const { clientId } = await createClient(prepared, 'policy:read rule:read');
      await prepared.server.stop();
      fill(data, count, clientId);
      const postern = await startPostern(data, core);
      posterns.push(postern);
      starts.push({ cpuMs: 1000 * (postern.server.cpuSeconds() ?? Number.NaN), longestPauseMs: postern.startMs });
    }
    const add = ({ call, ...measured }: Row) => {
      const [before, after] = [measured.few, measured.many].map(
        (all) => spreadOf(all.map(({ cpuMs }) => cpuMs)).median,
      );
      const growth = (after as number) / Math.max(before as number, 0.01);
      const pause = Math.max(...measured.many.map(({ longestPauseMs }) => longestPauseMs));
      const memory = (posterns[1]?.server.peakMemoryBytes() ?? Number.NaN) / 1_000_000;
      table.push([
        ...[`${things}: ${call}`, `${few}`, (before as number).toFixed(2), `${many}`, (after as number).toFixed(2)],
        ...[growth.toFixed(2), `${pause.toFixed(0)} ms`, `${memory.toFixed(0)} MB`],
        growth > ratio * tolerance ? 'ABOVE LINEAR' : '',
      ]);
      results.push({ things, call, ...measured });
    };
    add({ call: 'start', few: starts.slice(0, 1), many: starts.slice(1) });
    for (const call of calls) {
      const [ofFew, ofMany] = [[], []] as [Measured[], Measured[]];
      // The first round warms up.
      for (let round = 0; round <= rounds; round += 1) {
        for (const [at, to] of [ofFew, ofMany].entries()) {
          to.push(await measure(posterns[at] as RunningPostern, call, seconds, round));
        }
      }
      add({ call: call.title, few: ofFew.slice(1), many: ofMany.slice(1) });
    }
    await Promise.all(posterns.map(({ server }) => server.stop()));
  }
  const lines = [
    '',
    `CPU of calls by the number of things, medians of ${rounds} rounds of ${seconds} s; linear growth is ${ratio}`,
    ...[formatMachine(describeMachine()), '', ...formatTable(table), ''],
  ];
  console.log(lines.join('\n'));
  keepResults('scale', {
    date: new Date().toISOString(),
    ...{ machine: describeMachine(), options: { rounds, seconds, percent }, cores, results },
  });
}

/** Calls one after the other for so many seconds, while another connection asks how long the event loop takes to answer. */
async function measure(postern: RunningPostern, call: Call, seconds: number, round: number): Promise<Measured> {
  const token = JSON.parse(postern.firstAnswer).access_token as string;
  let isOver = false;
  let longestPauseMs = 0;
  const probe = async () => {
    while (!isOver) {
      const askedAt = performance.now();
      await (await fetch(`${postern.url}/health`)).arrayBuffer();
      longestPauseMs = Math.max(longestPauseMs, performance.now() - askedAt);
      await sleep(5);
    }
  };
  const probing = probe();
  const cpuBefore = postern.server.cpuSeconds() ?? Number.NaN;
  const endsAt = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < endsAt) {
    const { method, path, body } = call.request(round * 1_000_000 + count);
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const answer = await fetch(`${postern.url}${path}`, {
      ...{ method, headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status !== 200) {
      throw new BenchError(`${method} ${path} answers ${answer.status}: ${text}`);
    }
    count += 1;
  }
  const cpuMs = 1000 * ((postern.server.cpuSeconds() ?? Number.NaN) - cpuBefore);
  isOver = true;
  await probing;
  return { cpuMs: cpuMs / count, longestPauseMs };
}

/** Postern must not run on the directory. */
function execute(data: string, statements: string): void {
  const database = new DatabaseSync(join(data, 'postern.db'));
  database.exec('pragma synchronous = off');
  database.exec(`begin; ${statements}; commit`);
  database.close();
}
