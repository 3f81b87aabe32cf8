/** Whose requests are handled although the server is overloaded: those of administrators. */
import { parseBasicCredentials } from '@postern/protocol/node';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The request names the client that it authenticates, in its form or by HTTP Basic. */
    identifiesClient?: boolean;
  }
}

/**
 * Whether a request comes with the token of an administrator, or names one as its client: root, or a client in memory
 * that has a scope to administer Postern.
 *
 * Does not check the credentials of a client.
 */
export function createAdministratorCheck(
  findInMemory: (clientId: string) => { readonly scopes: ReadonlySet<string> } | undefined,
  isAdministrative: (scope: string) => boolean,
): (request: FastifyRequest) => boolean {
  const administers = ({ scopes }: { readonly scopes: ReadonlySet<string> }) => [...scopes].some(isAdministrative);

  return (request) => {
    if (request.accessToken !== undefined) {
      return administers(request.accessToken);
    }
    const id = request.routeOptions.config.identifiesClient === true ? findClientId(request) : undefined;
    const client = id === undefined ? undefined : findInMemory(id);
    return client !== undefined && administers(client);
  };
}

function findClientId({ headers, body }: FastifyRequest): string | undefined {
  const basic = /^Basic +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  if (basic === undefined) {
    return new URLSearchParams(String(body)).get('client_id') ?? undefined;
  }
  try {
    return parseBasicCredentials(basic).clientId;
  } catch {
    return undefined;
  }
}
