/** Answers on a connection for which Fastify has no request, or none that it can answer, and closes it. RFC 9110 §15. */
import type { Socket } from 'node:net';

/** By what is wrong: status, code of the error, and detail. */
const answers = {
  invalidHttp: ['400 Bad Request', 'invalid_request', 'The request is not valid HTTP.'],
  headersTooLarge: ['431 Request Header Fields Too Large', 'header_too_large', 'The URL or the headers are too large.'],
  tooSlow: ['408 Request Timeout', 'invalid_request', 'The request took too long to arrive.'],
  bodyEvicted: [
    '503 Service Unavailable',
    'temporarily_unavailable',
    'Too many requests wait for their bodies; retry later and send the body at once.',
  ],
} as const;

const longestWriteMs = 5_000;

export function closeWithAnswer(socket: Socket, fault: keyof typeof answers): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, error, detail] = answers[fault];
  const body = JSON.stringify({ error, detail });
  socket.write(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  // A caller that does not close its side, or does not read, must not keep the connection.
  socket.setTimeout(longestWriteMs, () => socket.destroy());
  socket.destroySoon();
}
