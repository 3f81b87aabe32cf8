/** A bare `node:http` server for the servers that Postern is measured against: reads a request whole, then answers. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

export interface TokenWork {
  /** Checks a request. If it throws, the process ends, and so does the benchmark. Default: nothing. */
  readonly check?: (body: string, headers: IncomingHttpHeaders) => void;
  /** Makes an answer: JSON in ASCII. */
  readonly makeAnswer: () => string;
  /** Whether the answers to all requests of one turn of the event loop are made one after the other, and then sent. */
  readonly isTogether: boolean;
}

/** Answers every request on 127.0.0.1 with status 200. Bodies are ASCII. */
export function serveTokens(port: number, { check, makeAnswer, isTogether }: TokenWork): void {
  let waiting: ServerResponse[] = [];
  const answerWaiting = () => {
    const responses = waiting;
    waiting = [];
    const answers = responses.map(makeAnswer);
    for (const [i, response] of responses.entries()) {
      send(response, answers[i] as string);
    }
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    request.on('end', () => {
      check?.(body, request.headers);
      if (!isTogether) {
        send(response, makeAnswer());
        return;
      }
      if (waiting.length === 0) {
        setImmediate(answerWaiting);
      }
      waiting.push(response);
    });
  });
  server.listen(port, '127.0.0.1');
}

function send(response: ServerResponse, text: string): void {
  response.writeHead(200, [
    'Content-Type',
    'application/json',
    'Cache-Control',
    'no-store',
    'Content-Length',
    `${text.length}`,
  ]);
  response.end(text, 'latin1');
}
