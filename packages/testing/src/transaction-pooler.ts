/**
 * A pooler in transaction mode, as strict as PgBouncer in its default configuration: each transaction gets the server
 * session that has rested longest, parameters of the start are refused, and so is what needs a session of its own.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import pg from 'pg';

export interface TransactionPooler {
  /** The URL of the same database through the pooler. */
  readonly url: string;
  /** Faults of the clients: statements that leave something in a session. */
  readonly faults: readonly string[];
  /** Runs a query on each session, and returns the rows of all. */
  askSessions(query: string): Promise<unknown[]>;
  close(): Promise<void>;
}

/** What PgBouncer accepts without `ignore_startup_parameters`. */
const allowedParameters = new Set(['user', 'database', 'application_name', 'client_encoding']);
const sessionStatements = /^\s*(?:listen|set\s+(?!local\b)|prepare|declare|create\s+temp)|pg_(?:try_)?advisory_lock\b/i;

export async function startTransactionPooler(url: string, sessions: number): Promise<TransactionPooler> {
  const clients = await Promise.all(
    Array.from({ length: sessions }, async () => {
      const client = new pg.Client(url);
      // Closing it cuts the sessions off.
      client.on('error', () => {});
      await client.connect();
      return client;
    }),
  );
  const streamOf = (client: pg.Client) => client.connection.stream as Socket;
  const idle: Socket[] = clients.map(streamOf);
  for (const stream of idle) {
    stream.removeAllListeners('data').setMaxListeners(0);
  }
  const waiting: ((stream: Socket) => void)[] = [];
  const faults: string[] = [];
  const sockets = new Set<Socket>();
  const take = () =>
    new Promise<Socket>((resolve) => {
      const stream = idle.shift();
      if (stream === undefined) {
        waiting.push(resolve);
      } else {
        resolve(stream);
      }
    });
  const giveBack = (stream: Socket) => {
    stream.removeAllListeners('data');
    const next = waiting.shift();
    if (next === undefined) {
      idle.push(stream);
    } else {
      next(stream);
    }
  };

  const server = createServer(async (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => void sockets.delete(socket));
    const read = messageReader(socket);
    let startup = await read(false);
    if (startup?.readInt32BE(4) === 80_877_103) {
      socket.write('N');
      startup = await read(false);
    }
    if (startup === undefined) {
      return;
    }
    const texts = startup.subarray(8).toString().split('\0');
    const unsupported = texts.find((text, index) => index % 2 === 0 && text !== '' && !allowedParameters.has(text));
    if (unsupported !== undefined) {
      const fields = `SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: ${unsupported}\0\0`;
      socket.end(message('E', Buffer.from(fields)));
      return;
    }
    socket.write(
      Buffer.concat([
        message('R', Buffer.alloc(4)),
        message('S', Buffer.from('server_version\x0016.0\0')),
        message('K', randomBytes(8)),
        message('Z', Buffer.from('I')),
      ]),
    );
    let session: Socket | undefined;
    let unanswered = 0;
    let isGone = false;
    const rollBack = (stream: Socket) => {
      unanswered += 1;
      stream.write(message('Q', Buffer.from('rollback\0')));
    };
    for (let next = await read(true); next !== undefined; next = await read(true)) {
      const type = String.fromCharCode(next[0] ?? 0);
      if (type === 'X') {
        break;
      }
      const text = next.subarray(5).toString();
      const [name = '', parsed = ''] = type === 'P' ? text.split('\0') : ['', type === 'Q' ? text : ''];
      const fault =
        name !== '' ? `prepared statement ${name}` : parsed.split(';').find((one) => sessionStatements.test(one));
      if (fault !== undefined) {
        faults.push(fault);
      }
      if (session === undefined) {
        const taken = await take();
        session = taken;
        const readAnswer = messageReader(taken);
        const relay = async () => {
          for (;;) {
            const answer = await readAnswer(true);
            if (answer === undefined) {
              return;
            }
            socket.write(answer);
            if (answer[0] === 0x5a) {
              unanswered -= 1;
              if (unanswered === 0 && answer[5] !== 0x49 && isGone) {
                rollBack(taken);
              }
              if (unanswered === 0 && answer[5] === 0x49) {
                session = undefined;
                giveBack(taken);
                return;
              }
            }
          }
        };
        void relay();
      }
      unanswered += type === 'Q' || type === 'S' ? 1 : 0;
      session.write(next);
    }
    isGone = true;
    if (session !== undefined && unanswered === 0) {
      rollBack(session);
    }
    socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(url), { port: String(port) }).href,
    faults,
    async askSessions(query) {
      const client = new pg.Client({ connectionString: Object.assign(new URL(url), { port: String(port) }).href });
      await client.connect();
      const rows: unknown[] = [];
      for (let asked = 0; asked < sessions; asked += 1) {
        rows.push(...(await client.query(query)).rows);
      }
      await client.end();
      return rows;
    },
    async close() {
      server.close();
      for (const socket of [...sockets, ...clients.map(streamOf)]) {
        socket.destroy();
      }
    },
  };
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Reads one message after the other; the first of a client has no type. Undefined: the connection has ended. */
function messageReader(socket: Socket): (isTyped: boolean) => Promise<Buffer | undefined> {
  let received: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  let isEnded = false;
  let wake = () => {};
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on('close', () => {
    isEnded = true;
    wake();
  });
  return async (isTyped) => {
    const start = isTyped ? 1 : 0;
    for (;;) {
      const length = received.length >= start + 4 ? start + received.readInt32BE(start) : Number.POSITIVE_INFINITY;
      if (received.length >= length) {
        const next = received.subarray(0, length);
        received = received.subarray(length);
        return next;
      }
      if (isEnded) {
        return undefined;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}
