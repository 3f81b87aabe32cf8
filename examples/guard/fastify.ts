/** An API on Fastify that refuses tokens within a second of their withdrawal. */
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { createApiGuard } from '@postern/guard';
import { accessTokenOf, guardRoutes, resourceMetadata } from '@postern/guard/fastify';
import Fastify from 'fastify';

const { ISSUER = 'https://auth.example.com', AUDIENCE = 'https://api.example.com', PORT = '3000' } = process.env;
const { CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

const client = createTokenClient({
  issuer: ISSUER,
  authentication: clientSecretBasic(CLIENT_ID, CLIENT_SECRET),
  scope: 'revocation:read',
});
const app = Fastify({ logger: true });
const guard = createApiGuard({
  issuer: ISSUER,
  audience: AUDIENCE,
  revocations: { fetch: client.fetch, maxStalenessSeconds: 30, whenStale: 'closed' },
  onFault: (fault) => app.log.warn(fault.message),
});

app.register(resourceMetadata(guard));
app.register(async (api) => {
  guardRoutes(api, guard);
  api.get('/invoices', { config: { scope: 'invoice:read' } }, async (request) => ({
    caller: accessTokenOf(request).clientId,
  }));
});
app.addHook('onClose', guard.close);
await guard.start();
await app.listen({ port: Number(PORT) });
