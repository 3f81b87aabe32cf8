/** Answers every request as the gate answers one that passes, without deciding anything: the most that `node:http` can do. */
import { createServer } from 'node:http';

createServer({ keepAliveTimeout: 300_000 }, (_request, response) => {
  response.writeHead(200, { 'X-Client-Id': 'client', 'X-Scopes': 'policy:read', 'content-length': 0 });
  response.end();
}).listen(Number(process.argv[2]), '127.0.0.1');
