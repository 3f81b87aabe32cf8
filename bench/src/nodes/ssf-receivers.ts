/**
 * How long receivers of shared signals wait for an event: one polls (RFC 8936), and one has its events pushed (RFC 8935), each at another
 * node than the one on which the change is made. The time runs from the answer to the change to the arrival of its SET.
 */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Identity } from '@postern/testing/certificates';
import { administer, createClient, type RunningPostern, tokenPath } from '../token/postern.ts';
import { type Credentials, requestToken, tokenForm } from '../token/token-request.ts';

const tokensRevoked = 'https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked';

export interface Receiver {
  /** Resolves when the event about the client has arrived. */
  arrival(clientId: string): Promise<void>;
  close(): Promise<void>;
}

/** The times of `rounds` changes on `node`, in milliseconds. */
export async function timeEvents(node: RunningPostern, receiver: Receiver, rounds: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { clientId } = await createClient(node, 'policy:read');
    const arrived = receiver.arrival(clientId);
    await administer(node).clients.revokeTokens(clientId);
    const answeredAt = performance.now();
    await arrived;
    latenciesMs.push(Math.max(0, performance.now() - answeredAt));
  }
  return latenciesMs;
}

/** A receiver that polls `node`. */
export async function startPolling(node: RunningPostern): Promise<Receiver> {
  const { call } = await asReceiver(node);
  const { stream_id } = await call('stream', { events_requested: [tokensRevoked] });
  const arrivals = new Arrivals();
  let isClosed = false;
  const polling = (async () => {
    for (let ack: string[] = []; !isClosed; ) {
      const { sets } = await call(`poll/${stream_id}`, { ack });
      ack = Object.keys(sets);
      for (const set of Object.values(sets as Record<string, string>)) {
        arrivals.take(set);
      }
    }
  })();
  return {
    arrival: (clientId) => arrivals.of(clientId),
    async close() {
      isClosed = true;
      await administer(node).clients.revokeTokens((await createClient(node, 'policy:read')).clientId);
      await polling;
    },
  };
}

/** A receiver to which any of the nodes pushes. They must trust the certificate, and be allowed to connect to this machine. */
export async function startReceiving(node: RunningPostern, identity: Identity): Promise<Receiver> {
  const arrivals = new Arrivals();
  const server = createServer(identity, (request, response) => {
    let set = '';
    request.on('data', (chunk) => {
      set += chunk;
    });
    request.on('end', () => {
      arrivals.take(set);
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { call } = await asReceiver(node);
  await call('stream', {
    events_requested: [tokensRevoked],
    delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: `https://127.0.0.1:${port}/` },
  });
  return {
    arrival: (clientId) => arrivals.of(clientId),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Which clients SETs have been about. */
class Arrivals {
  readonly #waiting = new Map<string, () => void>();

  of(clientId: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(clientId, resolve));
  }

  take(set: string): void {
    const { sub_id } = JSON.parse(Buffer.from(set.split('.')[1] ?? '', 'base64url').toString());
    this.#waiting.get(sub_id.sub)?.();
  }
}

/** A client of its own that has a token for streams, and what posts to their management API with it. */
export async function asReceiver(node: RunningPostern) {
  const client: Credentials = await createClient(node, 'ssf.read ssf.manage revocation:read');
  const { access_token: token } = JSON.parse(await requestToken(node.port, tokenPath, tokenForm(client)));
  const call = async (path: string, body: object) => {
    const answer = await fetch(`${node.url}/api/v1/ssf/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) {
      throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    }
    return answer.json() as Promise<{ stream_id: string; sets: Record<string, string> }>;
  };
  return { clientId: client.clientId, token: token as string, call };
}
