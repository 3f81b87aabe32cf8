/** A loopback server that answers as a test says, request by request. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { listenOnLoopback } from '@postern/testing/loopback-listener';

export interface Received {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  /** Ends the connection without an answer. */
  readonly breaks?: boolean;
}

export interface ScriptedServer {
  readonly url: string;
  readonly received: Received[];
  /** Sets the answer of a path: the same for every request, or what a function returns. */
  on(path: string, answer: ScriptedAnswer | ((request: Received) => ScriptedAnswer | Promise<ScriptedAnswer>)): void;
  requests(path: string): Received[];
  close(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const answers = new Map<string, (request: Received) => ScriptedAnswer | Promise<ScriptedAnswer>>();
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }
    const { method = '', url: path = '', headers } = request;
    const seen = { method, path, headers, body };
    received.push(seen);
    const answer = await answers.get(path.split('?')[0] ?? '')?.(seen);
    if (answer?.breaks === true) {
      request.socket.destroy();
      return;
    }
    const isText = typeof answer?.body === 'string';
    response.writeHead(answer === undefined ? 404 : (answer.status ?? 200), {
      'content-type': isText ? 'text/plain' : 'application/json',
      ...answer?.headers,
    });
    response.end(isText ? answer?.body : JSON.stringify(answer?.body ?? {}));
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    on: (path, answer) => void answers.set(path, typeof answer === 'function' ? answer : () => answer),
    requests: (path) => received.filter((request) => request.path.split('?')[0] === path),
    close,
  };
}
