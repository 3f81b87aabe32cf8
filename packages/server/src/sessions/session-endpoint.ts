/** The API of sessions: sign in, get an access token, sign out. RFC 6750 §2.1 for the command, a cookie for the console. */
import { type ApiPlugin, Deleted, errorResponses, nullable } from '@postern/http-api';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AuthenticateClient } from '../client-auth/authenticate.ts';
import { forbidCaching } from '../http/caching.ts';
import type { Session } from './session.ts';
import { createSessionCookie, pageHeader, requireOwnPage } from './session-cookie.ts';
import { type Sessions, sessionEnded } from './sessions.ts';

export const sessionPath = '/api/v1/session';

const Text = Type.String({ minLength: 1, maxLength: 1_000 });

const SignInBody = Type.Object(
  { client_id: Text, client_secret: Text },
  { title: 'SignIn', additionalProperties: false },
);

const SessionView = Type.Object(
  {
    id: Type.String(),
    client_id: Type.String({ description: 'Who is signed in.' }),
    created_at: Type.String({ format: 'date-time' }),
    expires_at: Type.String({ format: 'date-time', description: 'When it ends if it is not used until then.' }),
    ends_at: Type.String({ format: 'date-time', description: 'When it ends, however much it is used.' }),
  },
  { title: 'StartedSession' },
);

const PresentSession = Type.Object(
  {
    session: nullable(SessionView),
  },
  { title: 'Session' },
);

const TokenBody = Type.Object(
  {
    scope: Type.Optional(
      Type.String({ maxLength: 16_000, description: 'Names with one space between them. Without it: all scopes.' }),
    ),
    used: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          'Whether somebody has used the session since the last call. It ends if nobody does for 30 minutes.',
      }),
    ),
  },
  { title: 'SessionTokenRequest', additionalProperties: false },
);

const SessionTokenAnswer = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    scope: Type.String(),
  },
  { title: 'SessionToken' },
);

const EndQuery = Type.Object(
  {
    where: Type.Optional(
      Type.Union([Type.Literal('here'), Type.Literal('everywhere')], {
        default: 'here',
        description: '`everywhere`: ends all sessions of whoever is signed in, in every browser.',
      }),
    ),
  },
  { additionalProperties: false },
);

const PageHeaders = Type.Object({
  [pageHeader]: Type.Optional(Type.String({ description: 'Any text. A page must send it.' })),
});

export interface SessionEndpointOptions {
  readonly issuer: string;
  readonly sessions: Sessions;
  readonly authenticateClient: AuthenticateClient;
}

/** Bytes of a body. */
const bodyLimit = 65_536;

export function sessionEndpoint({ issuer, sessions, authenticateClient }: SessionEndpointOptions): ApiPlugin {
  const cookie = createSessionCookie(issuer);

  /** The secret of the session of a request; undefined if it has none. Throws `access_denied` for a cookie that a page of others sends. */
  const findSecret = (request: FastifyRequest): string | undefined => {
    const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) {
      return bearer;
    }
    requireOwnPage(request, issuer);
    return cookie.read(request.headers.cookie);
  };

  const common = { tags: ['Sessions'], headers: PageHeaders };

  return async (app) => {
    forbidCaching(app);

    app.get(
      sessionPath,
      {
        schema: {
          ...common,
          operationId: 'get_session',
          summary: 'Read who is signed in',
          description: 'By the cookie of the web console, or by the secret of a session as a Bearer token.',
          response: { 200: PresentSession, ...errorResponses(403) },
        },
      },
      async (request) => {
        const secret = findSecret(request);
        const found = secret === undefined ? undefined : await sessions.find(secret);
        return { session: found === undefined ? null : viewOf(found.session) };
      },
    );

    app.post(
      sessionPath,
      {
        bodyLimit,
        schema: {
          ...common,
          operationId: 'start_session',
          summary: 'Sign in to the web console',
          description: 'The answer sets a cookie that only pages of this server send, and no script can read.',
          body: SignInBody,
          response: { 200: SessionView, ...errorResponses(400, 401, 403, 413, 415, 422, 429) },
        },
      },
      async (request, reply) => {
        requireOwnPage(request, issuer);
        const { client_id, client_secret } = request.body;
        const form = new Map([
          ['client_id', client_id],
          ['client_secret', client_secret],
        ]);
        const caller = { headers: {}, clientCertificate: undefined, ip: request.ip };
        const client = await authenticateClient(caller, form);
        request.logged = { client_id: client.id };
        // Never that of a session that the browser has already: somebody else may have set it.
        const { session, secret } = await sessions.open(client, 'browser');
        reply.header('set-cookie', cookie.write(secret));
        return viewOf(session);
      },
    );

    app.post(
      `${sessionPath}/token`,
      {
        bodyLimit,
        schema: {
          ...common,
          operationId: 'acquire_session_token',
          summary: 'Get an access token for the management API',
          description: 'It is valid for some minutes, and no longer than the session.',
          body: TokenBody,
          response: { 200: SessionTokenAnswer, ...errorResponses(400, 401, 403, 413, 415, 422) },
        },
      },
      async (request) => {
        const secret = findSecret(request);
        if (secret === undefined) {
          throw sessionEnded();
        }
        const { scope, used = true } = request.body;
        const scopes = scope?.split(' ').filter((name) => name !== '');
        const issued = await sessions.issueToken(secret, { scopes, isUsed: used });
        request.logged = { client_id: issued.session.clientId, jti: issued.jti };
        return {
          access_token: issued.token,
          token_type: 'Bearer' as const,
          expires_in: issued.ttlSeconds,
          scope: issued.scopes.join(' '),
        };
      },
    );

    app.delete(
      sessionPath,
      {
        schema: {
          ...common,
          operationId: 'end_session',
          summary: 'Sign out',
          description: 'Revokes the tokens of the session at once.',
          querystring: EndQuery,
          response: { 204: Deleted, ...errorResponses(403, 422) },
        },
      },
      async (request, reply) => {
        const secret = findSecret(request);
        if (secret !== undefined) {
          await sessions.end(secret, request.query.where === 'everywhere');
        }
        reply.code(204).header('set-cookie', cookie.write(undefined));
      },
    );
  };
}

function viewOf(session: Session) {
  return {
    id: session.id,
    client_id: session.clientId,
    created_at: new Date(session.createdAt).toISOString(),
    expires_at: new Date(session.expiresAt).toISOString(),
    ends_at: new Date(session.endsAt).toISOString(),
  };
}
