/** A client under test whose time is the test's, before an authorization server and an API that answer as the test says. */
import { clientSecretPost, createTokenClient, type TokenClient, type TokenClientOptions } from '../src/index.ts';
import { type Received, type ScriptedServer, startScriptedServer } from './scripted-server.ts';

export interface Stand {
  readonly server: ScriptedServer;
  /** Another origin. */
  readonly other: ScriptedServer;
  /** What was slept, in milliseconds; sleeping moves the clock. */
  readonly slept: number[];
  /** Seconds. */
  advance(seconds: number): void;
  client(over?: Partial<TokenClientOptions>): TokenClient;
  close(): Promise<void>;
}

/** The server publishes metadata, and its token endpoint gives out `token-1`, `token-2`, … for 1,000 seconds. */
export async function startStand(): Promise<Stand> {
  const [server, other] = await Promise.all([startScriptedServer(), startScriptedServer()]);
  const slept: number[] = [];
  let nowMs = 1_800_000_000_000;
  let issued = 0;
  server.on('/.well-known/oauth-authorization-server', {
    body: { issuer: server.url, token_endpoint: `${server.url}/token` },
  });
  server.on('/token', () => {
    issued += 1;
    return { body: tokenAnswer(`token-${issued}`) };
  });
  return {
    server,
    other,
    slept,
    advance: (seconds) => {
      nowMs += seconds * 1000;
    },
    client: (over) =>
      createTokenClient({
        issuer: server.url,
        authentication: clientSecretPost('caller', 'secret'),
        now: () => nowMs,
        random: () => 0.5,
        sleep: async (ms, signal) => {
          signal?.throwIfAborted();
          slept.push(ms);
          nowMs += ms;
        },
        ...over,
      }),
    async close() {
      await Promise.all([server.close(), other.close()]);
    },
  };
}

/** The claims of the DPoP proofs that came with requests, unverified. */
export const proofsSent = (requests: readonly Received[]) =>
  requests.map(({ headers }) => JSON.parse(atob(String(headers['dpop']).split('.')[1] ?? '')));

export const tokenAnswer = (accessToken: string, over: object = {}) => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: 1_000,
  ...over,
});
