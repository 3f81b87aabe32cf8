/**
 * A process of an API that is protected by the guard, as users write it: plain `node:http`, following the revocation feed
 * with a token of its own client. It reaches Postern only at POSTERN_URL.
 */
import { createServer } from 'node:http';
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { createApiGuard } from '@postern/guard';
import { protect } from '@postern/guard/node';

const read = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set`);
  }
  return value;
};

const issuer = read('ISSUER');

/** Requests to the issuer go to the node that this API is connected with. */
const atNode = (url: string | URL | Request, init?: RequestInit) =>
  fetch(String(url).replace(issuer, read('POSTERN_URL')), init);

const tokens = createTokenClient({
  issuer,
  authentication: clientSecretBasic(read('CLIENT_ID'), read('CLIENT_SECRET')),
  scope: 'revocation:read',
  fetch: atNode,
});

/** A fault that is planted to see that the checker reports it: it follows no revocations. */
const isDeaf = process.env['CHAOS_PLANT'] === 'deaf-guard';

const guard = createApiGuard({
  issuer,
  audience: read('AUDIENCE'),
  fetch: atNode,
  ...(!isDeaf && {
    revocations: {
      maxStalenessSeconds: Number(read('MAX_STALENESS_SECONDS')),
      fetch: (url, init) => tokens.fetch(url, init),
    },
  }),
  onFault: (fault) => console.log(`${new Date().toISOString()} ${fault.message}`),
});
guard.start().catch(() => {});

const authorize = protect(guard);
createServer(async (request, response) => {
  if ((await authorize(request, response, '')) !== undefined) {
    response.end('{}');
  }
}).listen(Number(read('PORT')), '127.0.0.1');
