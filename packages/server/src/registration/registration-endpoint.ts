/** Dynamic client registration and its management. RFC 7591 §3, RFC 7592 §2. */

import { describeFault, oauthErrorResponses } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import type { FastifyRequest } from 'fastify';
import type { SchemaErrorDataVar } from 'fastify/types/schema.js';
import { Type } from 'typebox';
import type { TLocalizedValidationError } from 'typebox/error';
import { addressGroup } from '../address-group.ts';
import type { ProtocolPlugin } from '../http/protocol-plugin.ts';
import type { FailureBudgets } from '../limits/failure-budgets.ts';
import type { SelfServiceLimit } from '../limits/self-service-limit.ts';
import type { ClientRegistration, RegisteredClient } from './client-registration.ts';
import { describeRegistered, RegisteredMetadata } from './registered-metadata.ts';

export const registrationPath = '/api/v1/oauth/register';

/** RFC 7592 §2.2: the members that an update must have, may have and must not have. */
const UpdateBody = Type.Intersect(
  [
    RegisteredMetadata,
    Type.Object({
      client_id: Type.String(),
      client_secret: Type.Optional(Type.String({ description: 'Only the one that it has.' })),
    }),
  ],
  { title: 'ClientMetadataUpdate' },
);
const readOnlyMembers = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** The registered members are in addition. */
const RegisteredView = Type.Object(
  {
    client_id: Type.String(),
    client_id_issued_at: Type.Integer({ description: 'Seconds since 1970.' }),
    client_secret: Type.Optional(Type.String({ description: 'Shown only once; Postern keeps a digest.' })),
    client_secret_expires_at: Type.Optional(
      Type.Integer({ description: 'With client_secret, in seconds since 1970; 0 is never.' }),
    ),
    registration_access_token: Type.String({ description: 'Replaces the one that was sent.' }),
    registration_client_uri: Type.String(),
  },
  { title: 'RegisteredClient', additionalProperties: true },
);

const ClientPath = Type.Object({ client_id: Type.String() });

interface ManagementRoute {
  Params: { client_id: string };
}

export interface RegistrationEndpointOptions {
  readonly issuer: string;
  /** If false, every request is answered that registration is off. */
  readonly enabled: boolean;
  readonly registration: ClientRegistration;
  readonly failures: FailureBudgets;
  readonly limits: {
    readonly ofInitialToken: SelfServiceLimit;
    readonly ofClient: SelfServiceLimit;
    readonly ofAddress: SelfServiceLimit;
  };
}

export function registrationEndpoint(options: RegistrationEndpointOptions): ProtocolPlugin {
  const { issuer, enabled, registration, failures, limits } = options;

  const toView = ({ client, clientSecret, registrationAccessToken }: RegisteredClient) => ({
    ...describeRegistered(client),
    client_id: client.id,
    client_id_issued_at: Math.floor(client.createdAt / 1000),
    ...(clientSecret !== undefined && {
      client_secret: clientSecret.text,
      client_secret_expires_at: Math.floor((clientSecret.expiresAt ?? 0) / 1000),
    }),
    registration_access_token: registrationAccessToken,
    registration_client_uri: `${issuer}${registrationPath}/${client.id}`,
  });

  return async (app) => {
    app.addHook('onRoute', (route) => {
      route.config = { ...route.config, oauthErrors: true };
    });
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      if (!enabled) {
        throw new OAuthError(
          'access_denied',
          'Dynamic client registration is off: an administrator creates clients with POST /api/v1/oauth/client.',
        );
      }
    });
    app.addContentTypeParser('*', async () => {
      throw new OAuthError('invalid_request', 'The body must be application/json.');
    });
    app.setSchemaErrorFormatter((errors, part) => toMetadataFault(errors as TLocalizedValidationError[], part));

    app.post<{ Body: RegisteredMetadata }>(
      registrationPath,
      {
        onRequest: async (request) => {
          const token = readToken(request);
          await failures.attempt({ clientId: undefined, address: request.ip, isCheap: false }, () =>
            registration.requireInitialAccessToken(token),
          );
          limits.ofInitialToken.take(token);
          limits.ofAddress.take(addressGroup(request.ip));
        },
        schema: {
          tags: ['OAuth'],
          operationId: 'register_client',
          summary: 'Register a client',
          description: 'With an initial access token as the Bearer token. Members that are not known are ignored.',
          body: RegisteredMetadata,
          response: { 201: RegisteredView, ...oauthErrorResponses(400, 401, 403, 413, 429) },
        },
      },
      async (request, reply) =>
        reply.code(201).send(toView(await registration.register(readToken(request), request.body))),
    );

    // A management request needs the registration access token, which is checked before the body is read.
    const checkToken = async (request: FastifyRequest<ManagementRoute>) => {
      const { client_id: clientId } = request.params;
      const token = readToken(request);
      await failures.attempt({ clientId, address: request.ip, isCheap: false }, () =>
        registration.requireRegistrationAccessToken(clientId, token, request.ip),
      );
      // All of them are changes: reading replaces the token.
      limits.ofClient.take(clientId);
      limits.ofAddress.take(addressGroup(request.ip));
    };

    app.get<ManagementRoute>(
      `${registrationPath}/:client_id`,
      {
        exposeHeadRoute: false,
        onRequest: checkToken,
        config: { reads: 'client', isVolatile: true },
        schema: {
          tags: ['OAuth'],
          operationId: 'read_registration',
          summary: 'Read what a client registered, as the client',
          description: 'With its registration access token as the Bearer token, which is replaced.',
          params: ClientPath,
          response: { 200: RegisteredView, ...oauthErrorResponses(401, 403, 429) },
        },
      },
      async (request) => toView(await registration.read(request.params.client_id, readToken(request))),
    );

    app.put<ManagementRoute & { Body: RegisteredMetadata & { client_id: string; client_secret?: string } }>(
      `${registrationPath}/:client_id`,
      {
        onRequest: checkToken,
        config: { changes: 'client' },
        schema: {
          tags: ['OAuth'],
          operationId: 'update_registration',
          summary: 'Replace what a client registered, as the client',
          description: 'Missing members get their defaults. The registration access token is replaced.',
          params: ClientPath,
          body: UpdateBody,
          response: { 200: RegisteredView, ...oauthErrorResponses(400, 401, 403, 412, 413, 429) },
        },
      },
      async (request) => {
        const { params, body, precondition } = request;
        if (body.client_id !== params.client_id) {
          throw new OAuthError('invalid_client_metadata', 'client_id: must be that of the client.');
        }
        const sentBack = readOnlyMembers.find((member) => member in body);
        if (sentBack !== undefined) {
          throw new OAuthError('invalid_client_metadata', `${sentBack}: must not be sent back.`);
        }
        const { client_id: clientId } = params;
        return toView(await registration.update(clientId, readToken(request), body, body.client_secret, precondition));
      },
    );

    app.delete<ManagementRoute>(
      `${registrationPath}/:client_id`,
      {
        onRequest: checkToken,
        config: { changes: 'client' },
        schema: {
          tags: ['OAuth'],
          operationId: 'delete_registration',
          summary: 'Delete a client, as the client, and revoke its tokens at once',
          params: ClientPath,
          response: { 204: Type.Null({ description: 'Deleted' }), ...oauthErrorResponses(400, 401, 403, 412, 429) },
        },
      },
      async (request, reply) => {
        await registration.remove(request.params.client_id, readToken(request), request.precondition);
        return reply.code(204).send(null);
      },
    );
  };
}

/** The Bearer token of a request. RFC 6750 §2.1. Throws `missing_token`. */
function readToken({ headers }: FastifyRequest): string {
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new OAuthError(
      'missing_token',
      'This call needs an initial access token, or the registration access token of the client: ' +
        'Authorization: Bearer <token>.',
    );
  }
  return token;
}

function toMetadataFault(errors: readonly TLocalizedValidationError[], part: SchemaErrorDataVar): OAuthError {
  const code = errors[0]?.instancePath.startsWith('/redirect_uris')
    ? 'invalid_redirect_uri'
    : 'invalid_client_metadata';
  return new OAuthError(code, describeFault(errors, part));
}
