/** The processes of a run: nodes of Postern and APIs with a guard, each behind a link of its own, with clocks that can be set. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postern/testing/free-port';
import { ServerProcess } from '../server-process.ts';
import type { Credentials } from '../token/token-request.ts';
import type { History } from './history.ts';
import { Link } from './link.ts';
import type { PostgresPair } from './postgres-pair.ts';
import { stalenessSeconds } from './promises.ts';

export const issuer = 'https://auth.example.com';
export const audience = 'https://api.example.com';

const posternCommand = fileURLToPath(new URL('../../../node_modules/.bin/postern', import.meta.url));
const guardProgram = fileURLToPath(new URL('./guard-process.ts', import.meta.url));
const clockShift = `--import=${new URL('./clock-shift.ts', import.meta.url).href}`;

export const root: Credentials = { clientId: 'root', clientSecret: randomBytes(24).toString('hex') };

const masterKey = randomBytes(32).toString('base64');

interface ActorOptions {
  readonly name: string;
  readonly port: number;
  readonly link: Link;
  readonly directory: string;
  readonly history: History;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A process that can be killed, paused and started again, and whose clock can be set. */
export class Actor {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  /** Between it and what it gets its news from. */
  readonly link: Link;
  readonly #options: ActorOptions;
  readonly #clockFile: string;
  #server: ServerProcess | undefined;

  constructor(options: ActorOptions) {
    const { name, port, link, directory } = options;
    this.#options = options;
    this.name = name;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.link = link;
    this.#clockFile = join(directory, `${name}.clock`);
    writeFileSync(this.#clockFile, '0');
  }

  get history(): History {
    return this.#options.history;
  }

  /** 0 if it never ran. */
  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#server?.isRunning === true;
  }

  /** Starts the process; does not wait until it answers. */
  start(): void {
    const { name, command, args, env, directory, history } = this.#options;
    this.#server = new ServerProcess({
      name,
      command,
      args,
      env: {
        NODE_OPTIONS: clockShift,
        CHAOS_CLOCK_FILE: this.#clockFile,
        ...(process.env['HOME'] && { HOME: process.env['HOME'] }),
        ...env,
      },
      logFile: join(directory, `${name}.log`),
      core: undefined,
    });
    history.add({ type: 'start', process: name, at: history.now() });
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  signal(name: NodeJS.Signals): void {
    this.#server?.signal(name);
  }

  setClock(offsetMs: number): void {
    this.history.add({ type: 'clock', process: this.name, at: this.history.now(), offsetMs });
    writeFileSync(this.#clockFile, `${offsetMs}`);
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.link.close();
  }
}

/** A node of Postern, as users start it, behind a link to the database. */
export async function createNode(
  name: string,
  directory: string,
  postgres: PostgresPair,
  history: History,
): Promise<Actor> {
  const link = await Link.open(postgres.port);
  const port = await freePort();
  return new Actor({
    name,
    port,
    link,
    directory,
    history,
    command: posternCommand,
    args: ['serve'],
    env: {
      PORT: `${port}`,
      POSTERN_ISSUER: issuer,
      POSTERN_DATA_DIR: join(directory, name),
      DATABASE_URL: postgres.urlAt(link.port),
      POSTERN_MASTER_KEY: masterKey,
      OAUTH_ROOT_CLIENT_ID: root.clientId,
      OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
      POSTERN_MAX_STALENESS_SECONDS: `${stalenessSeconds}`,
      // A small machine that sheds load is not what is tried here.
      POSTERN_OVERLOAD_MS: '0',
    },
  });
}

export interface GuardSetup {
  readonly name: string;
  readonly directory: string;
  readonly node: Actor;
  /** With the scope `revocation:read`. */
  readonly client: Credentials;
  readonly plant: string | undefined;
  readonly history: History;
}

/** An API with a guard, behind a link to a node, which can lead to another one later. */
export class Guard extends Actor {
  #node: Actor;

  private constructor(options: ActorOptions, node: Actor) {
    super(options);
    this.#node = node;
    this.connectWith(node);
  }

  static async create({ name, directory, node, client, plant, history }: GuardSetup): Promise<Guard> {
    const link = await Link.open(node.port);
    const port = await freePort();
    const env = {
      PORT: `${port}`,
      ISSUER: issuer,
      AUDIENCE: audience,
      POSTERN_URL: `http://127.0.0.1:${link.port}`,
      CLIENT_ID: client.clientId,
      CLIENT_SECRET: client.clientSecret,
      MAX_STALENESS_SECONDS: `${stalenessSeconds}`,
      ...(plant !== undefined && { CHAOS_PLANT: plant }),
    };
    return new Guard(
      { name, port, link, directory, history, command: process.execPath, args: [guardProgram], env },
      node,
    );
  }

  /** The node that it is connected with. */
  get node(): Actor {
    return this.#node;
  }

  connectWith(node: Actor): void {
    this.#node = node;
    this.link.leadTo(node.port);
    this.history.add({ type: 'route', guard: this.name, node: node.name, at: this.history.now() });
  }
}
