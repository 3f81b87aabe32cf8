/** The API of sessions: sign in, get an access token, sign out. RFC 6750 §2.1 for the command, a cookie for the console. */
import { type ApiPlugin, Deleted, errorResponses, nullable } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { AuthenticateClient } from '../client-auth/authenticate.ts';
import type { Client } from '../clients/client.ts';
import { forbidCaching } from '../http/caching.ts';
import { codeMs, type Session } from './session.ts';
import { createSessionCookie, pageHeader, requireOwnPage } from './session-cookie.ts';
import { type Sessions, sessionEnded } from './sessions.ts';

export const sessionPath = '/api/v1/session';

const Text = Type.String({ minLength: 1, maxLength: 1_000 });

const credentials = {
  client_id: Type.Optional(Text),
  client_secret: Type.Optional(Text),
};

const SignInBody = Type.Object(
  {
    ...credentials,
    code: Type.Optional({
      ...Text,
      description: 'Instead of a client and its secret: a code of /api/v1/session/code.',
    }),
    code_verifier: Type.Optional({ ...Text, description: 'For a code that was asked for with a challenge. RFC 7636.' }),
  },
  { title: 'SignIn', additionalProperties: false },
);

const CodeBody = Type.Object(credentials, { title: 'SessionCodeRequest', additionalProperties: false });

const CodeAnswer = Type.Object(
  {
    code: Type.String({ description: 'Begins one session of the console.' }),
    url: Type.String({ description: 'The console, with the code: whoever opens it is signed in.' }),
    expires_in: Type.Integer({ description: 'Seconds.' }),
  },
  { title: 'SessionCode' },
);

const SessionView = Type.Object(
  {
    id: Type.String(),
    client_id: Type.String({ description: 'Who is signed in: a client, or a person.' }),
    name: nullable(Type.String()),
    created_at: Type.String({ format: 'date-time' }),
    expires_at: Type.String({ format: 'date-time', description: 'When it ends if it is not used until then.' }),
    ends_at: Type.String({ format: 'date-time', description: 'When it ends, however much it is used.' }),
  },
  { title: 'PresentSession' },
);

const StartedSession = Type.Object(
  {
    ...SessionView.properties,
    secret: Type.Optional(
      Type.String({ description: 'For the command, instead of a cookie: send it as a Bearer token.' }),
    ),
  },
  { title: 'StartedSession' },
);

const ProviderView = Type.Object(
  { name: Type.String(), url: Type.String({ description: 'Where a browser begins to sign in.' }) },
  { title: 'SignInProvider' },
);

const PresentSession = Type.Object(
  {
    session: nullable(SessionView),
    provider: nullable(ProviderView),
  },
  { title: 'Session' },
);

const TokenBody = Type.Object(
  {
    scope: Type.Optional(
      Type.String({
        maxLength: 16_000,
        description: 'Names with one space between them. Without it: all built-in scopes of the person or client.',
      }),
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
  /** The OpenID provider at which people sign in. Undefined: there is none. */
  readonly provider: { readonly name: string } | undefined;
}

/** Bytes of a body. */
const bodyLimit = 65_536;

export function sessionEndpoint(options: SessionEndpointOptions): ApiPlugin {
  const { issuer, sessions, authenticateClient, provider } = options;
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

  /** Authenticates a client by the secret in a body. */
  const authenticate = async (
    { client_id = '', client_secret = '' }: { client_id?: string; client_secret?: string },
    request: FastifyRequest,
  ): Promise<Client> => {
    const form = new Map([
      ['client_id', client_id],
      ['client_secret', client_secret],
    ]);
    const client = await authenticateClient({ headers: {}, clientCertificate: undefined, ip: request.ip }, form);
    request.logged = { client_id: client.id };
    return client;
  };

  const getSignedIn = async (request: FastifyRequest): Promise<{ client: Client; session: Session }> => {
    const secret = findSecret(request);
    const found = secret === undefined ? undefined : await sessions.find(secret, request.ip);
    if (found === undefined) {
      throw sessionEnded();
    }
    return found;
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
        const found = secret === undefined ? undefined : await sessions.find(secret, request.ip);
        return {
          session: found === undefined ? null : viewOf(found),
          provider: provider === undefined ? null : { name: provider.name, url: `${issuer}/api/v1/sign-in` },
        };
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
          response: { 200: StartedSession, ...errorResponses(400, 401, 403, 413, 415, 422, 429) },
        },
      },
      async (request, reply) => {
        requireOwnPage(request, issuer);
        const { code, code_verifier, ...secret } = request.body;
        requireOneWay(request.body);
        // Never the session that the browser has already: somebody else may have put its cookie there.
        const opened =
          code === undefined
            ? await sessions.open(await authenticate(secret, request), 'browser')
            : await sessions.redeem(code, code_verifier, request.ip);
        request.logged = { client_id: opened.session.clientId };
        if (opened.session.kind === 'command') {
          return { ...viewOf(opened), secret: opened.secret };
        }
        reply.header('set-cookie', cookie.write(opened.secret));
        return viewOf(opened);
      },
    );

    app.post(
      `${sessionPath}/code`,
      {
        bodyLimit,
        schema: {
          ...common,
          operationId: 'create_session_code',
          summary: 'Get a code that signs in to the web console',
          description:
            'By the secret of a client in the body, or by the secret of a session as a Bearer token. It can be used once, within a ' +
            'minute. The session that it begins by that of a session ends no later than that one could, since nobody signs in again.',
          body: CodeBody,
          response: { 200: CodeAnswer, ...errorResponses(400, 401, 403, 413, 415, 422, 429) },
        },
      },
      async (request) => {
        const { client, session: parent } =
          request.body.client_id === undefined
            ? await getSignedIn(request)
            : { client: await authenticate(request.body, request), session: undefined };
        const code = await sessions.createCode(client, 'browser', { parent });
        // In the fragment, which no browser sends and no server logs.
        return { code, url: `${issuer}/console/#code=${code}`, expires_in: codeMs / 1000 };
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
          response: { 200: SessionTokenAnswer, ...errorResponses(400, 401, 403, 413, 415, 422, 429) },
        },
      },
      async (request) => {
        const secret = findSecret(request);
        if (secret === undefined) {
          throw sessionEnded();
        }
        const { scope, used = true } = request.body;
        const scopes = scope?.split(' ').filter((name) => name !== '');
        const issued = await sessions.issueToken(secret, request.ip, { scopes, isUsed: used });
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
          response: { 204: Deleted, ...errorResponses(403, 422, 429) },
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

function viewOf({ session, client }: { readonly session: Session; readonly client: Client }) {
  return {
    id: session.id,
    client_id: session.clientId,
    name: client.name,
    created_at: new Date(session.createdAt).toISOString(),
    expires_at: new Date(session.expiresAt).toISOString(),
    ends_at: new Date(session.endsAt).toISOString(),
  };
}

/** Throws `invalid_request` for a body with both a secret and a code, or neither. */
function requireOneWay({ client_id, client_secret, code }: Static<typeof SignInBody>): void {
  if ((code === undefined) === (client_id === undefined || client_secret === undefined)) {
    throw new OAuthError('invalid_request', 'Send either client_id and client_secret, or a code.');
  }
}
