/** An API as a Cloudflare Worker that takes access tokens of Postern, and rejects revoked ones. */
import { clientSecretBasic, createTokenClient } from '@postern/client';
import { createApiGuard, type OpenCache } from '@postern/guard';
import { type Authorize, protect, type RequestContext } from '@postern/guard/fetch';

type Env = Record<'ISSUER' | 'AUDIENCE' | 'CLIENT_ID' | 'CLIENT_SECRET', string>;
declare const caches: { readonly open: (name: string) => ReturnType<OpenCache> };
let needs: Authorize | undefined;

function createNeeds({ ISSUER, AUDIENCE, CLIENT_ID, CLIENT_SECRET }: Env): Authorize {
  const client = createTokenClient({ issuer: ISSUER, authentication: clientSecretBasic(CLIENT_ID, CLIENT_SECRET) });
  const revocations = { fetch: client.fetch };
  return protect(
    createApiGuard({ issuer: ISSUER, audience: AUDIENCE, revocations, openCache: () => caches.open('postern') }),
  );
}

export default {
  async fetch(request: Request, env: Env, context: RequestContext): Promise<Response> {
    needs ??= createNeeds(env);
    const token = await needs(request, 'invoice:read', context);
    return token instanceof Response ? token : Response.json({ caller: token.clientId });
  },
};
