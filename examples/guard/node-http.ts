/** An API on nothing but `node:http` that takes access tokens of Postern. */
import { createServer } from 'node:http';
import { createApiGuard } from '@postern/guard';
import { answerMetadata, protect } from '@postern/guard/node';

const { ISSUER = 'https://auth.example.com', AUDIENCE = 'https://api.example.com', PORT = '3000' } = process.env;
const guard = createApiGuard({ issuer: ISSUER, audience: AUDIENCE });
const authorize = protect(guard);

createServer(async (request, response) => {
  if (answerMetadata(guard, request, response)) {
    return;
  }
  const token = await authorize(request, response, 'invoice:read');
  if (token !== undefined) {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ caller: token.clientId }));
  }
}).listen(Number(PORT));
