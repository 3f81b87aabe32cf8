/** Opens the port of a server, on every address of its host. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { Server } from 'node:net';
import { StartError } from '@postern/server';
import type { FastifyInstance } from 'fastify';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Throws a `StartError` that names the variable with the invalid value. */
export async function listen(
  app: FastifyInstance,
  { host, port }: Address,
  variables: Readonly<Record<keyof Address, string>>,
): Promise<void> {
  const [first, ...others] = await addressesOf(host);
  const doors = others.map((address) => ({ address, door: doorTo(app) }));
  const close = app.server.close.bind(app.server);
  // All addresses close at one time: a caller whose connection ends may take another address.
  app.server.close = (done) => {
    for (const { door } of doors) {
      door.close();
    }
    return close(done);
  };
  app.addHook('preClose', async () => {
    await Promise.all(doors.map(({ door }) => new Promise((resolve) => door.close(resolve))));
  });
  try {
    await app.listen({ host: first, port });
    for (const { address, door } of doors) {
      await listenAt(door, { host: address, port });
    }
  } catch (error) {
    throw listenFault(error, { host, port }, variables);
  }
}

/** `localhost` is every address of that name, since callers choose any of them. */
async function addressesOf(host: string): Promise<[string, ...string[]]> {
  const found = host === 'localhost' ? await lookup(host, { all: true }) : [];
  const [first = host, ...others] = new Set(found.map(({ address }) => address));
  return [first, ...others];
}

/** Hands its connections to the one server, so that they have the same limits and end with it. */
function doorTo(app: FastifyInstance): Server {
  return new Server((socket) => app.server.emit('connection', socket));
}

/** Listens unless the machine does not have the address, as one without IPv6. */
async function listenAt(door: Server, address: Address): Promise<void> {
  door.listen(address);
  try {
    await once(door, 'listening');
  } catch (error) {
    if (!['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw error;
    }
  }
}

function listenFault(
  error: unknown,
  { host, port }: Address,
  variables: Readonly<Record<keyof Address, string>>,
): unknown {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(
        `${variables.port}: ${port} is in use by another program. Example: ${variables.port}=${port + 1}`,
      );
    case 'EACCES':
      return new StartError(`${variables.port}: ${port} is not allowed for this user. Example: ${variables.port}=8080`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(
        `${variables.host}: ${host} is not an address of this machine. Example: ${variables.host}=127.0.0.1`,
      );
    default:
      return error;
  }
}
