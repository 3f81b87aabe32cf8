/** The management API of client secrets: rotation with overlap, and the state of each. */
import { requireScope } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, nullable, PageQuery, pageView, slicePage } from '@postern/http-api';
import { Type } from 'typebox';
import type { ClientSecret } from '../clients/client-secret.ts';
import { operation } from '../http/operation.ts';
import { ChosenSecret } from './chosen-secret.ts';
import type { ListedSecret, SecretAdministration } from './secret-administration.ts';

const Seconds = Type.Integer({ minimum: 1, maximum: 315_360_000 });
const Time = Type.String({ format: 'date-time' });

export const RotationBody = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 315_360_000,
        description:
          'Seconds for which the other secrets stay valid. 0 deletes them and revokes every token of the client at ' +
          'once. Without it, they stay valid until they are deleted.',
      }),
    ),
    expires_in_seconds: Type.Optional({
      ...Seconds,
      description: 'Seconds until the new secret expires. Without it, it never does.',
    }),
    client_secret: Type.Optional(ChosenSecret),
  },
  { title: 'SecretRotation', additionalProperties: false },
);

const secretMembers = {
  secret_id: Type.String(),
  last_four: nullable(
    Type.String({
      description: 'Its last four characters; null for a secret that moved here and is short or has not been used yet.',
    }),
  ),
  created_at: Time,
  expires_at: nullable(Time),
  last_used_at: nullable(Time),
};

export const SecretView = Type.Object(
  {
    ...secretMembers,
    use: Type.Enum(['current', 'in_use', 'unused', 'unknown', 'expired'], {
      description:
        '`current`: the newest. `in_use`: used since the newest was created. `unused`: the newest was used, and this one ' +
        'was not for as long as a token lasts since, so that it can be deleted. `unknown`: neither can be said yet.',
    }),
    use_known_until: { ...Time, description: 'Uses after that may be missing here.' },
    token_seconds: Type.Integer({
      description: 'How long a token of the client lasts at most. Callers need the secret again after that time.',
    }),
  },
  { title: 'ClientSecret' },
);

export const RotatedView = Type.Object(
  {
    ...secretMembers,
    client_secret: Type.Optional(
      Type.String({ description: 'Shown only once; Postern keeps a digest. Missing if you chose it.' }),
    ),
    warnings: Type.Array(Type.String(), { description: 'Which of the other secrets are still in use.' }),
  },
  { title: 'RotatedSecret' },
);

const ClientPath = Type.Object({ client_id: Type.String() });
const SecretPath = Type.Object({ client_id: Type.String(), secret_id: Type.String() });

export interface SecretsEndpointOptions {
  readonly secrets: SecretAdministration;
}

export function secretsEndpoint({ secrets }: SecretsEndpointOptions): ApiPlugin {
  return async (app) => {
    app.post(
      '/api/v1/oauth/client/:client_id/secret',
      operation('rotate_client_secret', 'client:update', 'Create a new secret for a client', {
        changes: 'client',
        params: ClientPath,
        body: RotationBody,
        answer: RotatedView,
        errors: [409],
      }),
      async (request) => {
        const { overlap_seconds, expires_in_seconds, client_secret: chosenSecret } = request.body;
        const token = accessTokenOf(request);
        if (chosenSecret !== undefined) {
          requireScope(token, 'client:choose_secret', 'Bearer');
        }
        const { secret, clientSecret, others } = await secrets.rotate(token, request.params.client_id, {
          overlapSeconds: overlap_seconds,
          expiresInSeconds: expires_in_seconds,
          chosenSecret,
        });
        return {
          ...toView(secret),
          ...(clientSecret !== undefined && { client_secret: clientSecret }),
          warnings: others.flatMap(warnOf),
        };
      },
    );

    app.get(
      '/api/v1/oauth/client/:client_id/secret',
      operation(
        'list_client_secrets',
        'client:read',
        'List the secrets of a client, oldest first; never the secrets themselves',
        { reads: 'client', isVolatile: true, params: ClientPath, query: PageQuery, answer: pageView(SecretView) },
      ),
      async (request) =>
        slicePage(await secrets.list(request.params.client_id), request.query, toListView, ({ createdAt, id }) => [
          toText(createdAt),
          id,
        ]),
    );

    app.delete(
      '/api/v1/oauth/client/:client_id/secret/:secret_id',
      operation('delete_client_secret', 'client:update', 'Delete a secret, which can no longer be used', {
        changes: 'client',
        params: SecretPath,
        answer: Deleted,
      }),
      async (request) => secrets.remove(accessTokenOf(request), request.params.client_id, request.params.secret_id),
    );
  };
}

function warnOf({ lastFour, lastUsedAt, expiresAt }: ClientSecret): string[] {
  if (lastUsedAt === null) {
    return [];
  }
  const end = expiresAt === null ? 'It stays valid until it is deleted.' : `It expires at ${toText(expiresAt)}.`;
  const which = lastFour === null ? 'An older secret' : `The secret that ends in ${lastFour}`;
  return [`${which} was last used at ${toText(lastUsedAt)}. ${end}`];
}

function toView(secret: ClientSecret) {
  return {
    secret_id: secret.id,
    last_four: secret.lastFour,
    created_at: toText(secret.createdAt),
    expires_at: secret.expiresAt === null ? null : toText(secret.expiresAt),
    last_used_at: secret.lastUsedAt === null ? null : toText(secret.lastUsedAt),
  };
}

function toListView(secret: ListedSecret) {
  return {
    ...toView(secret),
    use: secret.use,
    use_known_until: toText(secret.useKnownUntil),
    token_seconds: secret.tokenSeconds,
  };
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}
