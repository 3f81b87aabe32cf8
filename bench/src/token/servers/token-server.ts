/** A bare `node:http` server for the servers that Postern is measured against: reads a request whole, then answers. */
import { createServer, type IncomingHttpHeaders } from 'node:http';

/**
 * Answers every request on 127.0.0.1 with what `answer` makes of its body and headers, as JSON of status 200. Bodies
 * and answers are ASCII. Where `answer` throws, the process ends, and so does the benchmark.
 */
export function serveTokens(port: number, answer: (body: string, headers: IncomingHttpHeaders) => string): void {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    request.on('end', () => {
      const text = answer(body, request.headers);
      response.writeHead(200, [
        'Content-Type',
        'application/json',
        'Cache-Control',
        'no-store',
        'Content-Length',
        `${text.length}`,
      ]);
      response.end(text, 'latin1');
    });
  });
  server.listen(port, '127.0.0.1');
}
