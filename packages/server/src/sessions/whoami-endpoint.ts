/** Who holds an access token, and what it lets them do. RFC 7662 §4 leaves it to clients with credentials. */
import type { Guard } from '@postern/guard';
import { authorizeRequest } from '@postern/guard/fastify';
import { type ApiPlugin, errorResponses, nullable } from '@postern/http-api';
import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import type { ClientDirectory } from '../clients/client-directory.ts';
import { isPersonId } from '../clients/person-id.ts';
import type { Database } from '../db/schema.ts';
import { forbidCaching } from '../http/caching.ts';
import { findPerson } from '../people/person-store.ts';

const WhoamiView = Type.Object(
  {
    client_id: Type.String({ description: 'As the audit trail names them.' }),
    kind: Type.Union([Type.Literal('person'), Type.Literal('client'), Type.Literal('root')]),
    name: nullable(Type.String()),
    email: nullable(Type.String({ description: 'Of a person.' })),
    role: nullable(Type.String({ description: 'Of a person.' })),
    scopes: Type.Array(Type.String(), { description: 'Those of the token.' }),
    expires_at: Type.String({ format: 'date-time', description: 'When the token expires.' }),
  },
  { title: 'Whoami' },
);

export interface WhoamiEndpointOptions {
  readonly db: Kysely<Database>;
  readonly directory: Pick<ClientDirectory, 'find'>;
  readonly guard: Guard;
}

/** Any valid token will do: it says nothing that its holder could not know. */
export function whoamiEndpoint({ db, directory, guard }: WhoamiEndpointOptions): ApiPlugin {
  return async (app) => {
    forbidCaching(app);
    app.get(
      '/api/v1/whoami',
      {
        schema: {
          tags: ['Sessions'],
          operationId: 'whoami',
          summary: 'Read who holds the access token',
          description: 'It requires no scope.',
          security: [{ bearer: [] }],
          response: { 200: WhoamiView, ...errorResponses(401) },
        },
      },
      async (request, reply) => {
        const token = await authorizeRequest(request, reply, guard, '');
        const { clientId } = token;
        const client = await directory.find(clientId);
        const person = isPersonId(clientId) ? await findPerson(db, { id: clientId }) : undefined;
        return {
          client_id: clientId,
          kind:
            person !== undefined
              ? ('person' as const)
              : client?.isRoot === true
                ? ('root' as const)
                : ('client' as const),
          name: client?.name ?? null,
          email: person?.email ?? null,
          role: person?.role ?? null,
          scopes: [...token.scopes],
          expires_at: new Date(token.expiresAt * 1000).toISOString(),
        };
      },
    );
  };
}
