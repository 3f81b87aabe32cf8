/** Signing in at the OpenID provider: in a browser, for the console or the command, and on a device without one. RFC 6749 §4.1, RFC 8252 §7.3, RFC 8628 §3. */
import { type ApiPlugin, errorResponses } from '@postern/http-api';
import { OAuthError, showName } from '@postern/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { addressGroup } from '../address-group.ts';
import { type Claims, findRole } from '../claims/role-rules.ts';
import type { Client } from '../clients/client.ts';
import type { SignInConfig } from '../config/config.ts';
import { forbidCaching } from '../http/caching.ts';
import type { UsedTokens } from '../jwt/used-token-store.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { SelfServiceLimit } from '../limits/self-service-limit.ts';
import type { People } from '../people/people.ts';
import { createSessionCookie } from '../sessions/session-cookie.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { type Provider, ProviderRefused, ProviderUnavailable } from './provider.ts';
import { createSignInCookie, longestSignInSeconds, type SignInTarget } from './sign-in-cookie.ts';

export const signInPath = '/api/v1/sign-in';
export const callbackPath = `${signInPath}/callback`;

const SignInQuery = Type.Object(
  {
    page: Type.Optional(
      Type.String({ pattern: '^/(?![/\\\\])[^\\s]*$', maxLength: 2_000, description: 'Page of the console to go to.' }),
    ),
    redirect_uri: Type.Optional(
      Type.String({
        pattern: '^http://(127\\.0\\.0\\.1|\\[::1\\]):[0-9]{1,5}/callback$',
        description: 'Where a command waits on the machine of the browser. With it, code_challenge and state.',
      }),
    ),
    code_challenge: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: 'For S256.' })),
    state: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
  },
  { additionalProperties: false },
);

const DeviceAnswer = Type.Object(
  {
    device_code: Type.String(),
    user_code: Type.String(),
    verification_uri: Type.String(),
    verification_uri_complete: Type.Optional(Type.String()),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    interval: Type.Integer({ description: 'Seconds to wait between two calls.' }),
  },
  { title: 'DeviceSignIn' },
);

const DeviceBody = Type.Object(
  { device_code: Type.String({ minLength: 1, maxLength: 10_000 }) },
  { title: 'DeviceSignInPoll', additionalProperties: false },
);

const SessionSecret = Type.Object(
  {
    session: Type.String({ description: 'The secret of the session, as a Bearer token for /api/v1/session/token.' }),
  },
  { title: 'SessionSecret' },
);

export interface SignInEndpointOptions {
  readonly issuer: string;
  readonly config: SignInConfig;
  readonly provider: Provider;
  readonly people: People;
  readonly sessions: Sessions;
  readonly masterKey: MasterKey;
  readonly usedTokens: UsedTokens;
  /** Of sign-ins from one address. */
  readonly limit: SelfServiceLimit;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What went wrong, as the address of the console says it. */
type SignInError = 'provider_unavailable' | 'provider_refused' | 'sign_in_lost' | 'role_missing';

/** Registered only if there is a provider. */
export function signInEndpoint(options: SignInEndpointOptions): ApiPlugin {
  const { issuer, config, provider, people, sessions, masterKey, usedTokens, limit, now } = options;
  const sessionCookie = createSessionCookie(issuer);
  const signInCookie = createSignInCookie(issuer, masterKey);

  /** Throws `too_many_requests` for an address that calls too often. */
  const countCall = ({ ip }: FastifyRequest) => limit.take(addressGroup(ip));

  /** Returns the person with their role. Throws `access_denied` if they have none. */
  const admit = async (claims: Claims, request: FastifyRequest): Promise<Client> => {
    const role = findRole(config.roles, claims);
    const person = await people.record(readPerson(claims, provider.issuer), role);
    if (person === undefined) {
      throw new OAuthError(
        'access_denied',
        `You have signed in at ${provider.name}, and are not allowed to use this server: nobody has given you a role.`,
        { reason: 'role_missing' },
      );
    }
    request.logged = { client_id: person.id, role };
    return person;
  };

  const parseTarget = (query: {
    page?: string;
    redirect_uri?: string;
    code_challenge?: string;
    state?: string;
  }): SignInTarget => {
    const { page = '/', redirect_uri: redirectUri, code_challenge: challenge, state } = query;
    if (redirectUri === undefined) {
      return { kind: 'browser', page };
    }
    if (challenge === undefined || state === undefined) {
      throw new OAuthError('invalid_request', 'With redirect_uri, code_challenge and state must be sent too.');
    }
    return { kind: 'command', redirectUri, challenge, state };
  };

  /** Sends the browser on with an error that the console or the command shows. */
  const giveUp = (reply: FastifyReply, target: SignInTarget, error: SignInError) => {
    const url = new URL(target.kind === 'command' ? target.redirectUri : `${issuer}/console/`);
    url.searchParams.set(target.kind === 'command' ? 'error' : 'sign_in_error', error);
    if (target.kind === 'command') {
      url.searchParams.set('state', target.state);
    }
    return reply.redirect(url.href, 303);
  };

  const attempt = async (
    request: FastifyRequest,
    reply: FastifyReply,
    target: SignInTarget,
    work: () => Promise<void>,
  ): Promise<void> => {
    try {
      await work();
    } catch (thrown) {
      const error = toSignInError(thrown);
      request.log.warn({ reason: error.reason, detail: error.message, cause: messagesOf(thrown) }, 'sign-in failed');
      await giveUp(reply, target, error.reason as SignInError);
    }
  };

  return async (app) => {
    forbidCaching(app);

    app.get(
      signInPath,
      {
        schema: {
          tags: ['Sessions'],
          operationId: 'sign_in',
          summary: 'Sign in at the OpenID provider',
          description: 'For a browser, which is sent to the provider.',
          querystring: SignInQuery,
          response: errorResponses(400, 422, 429),
        },
      },
      async (request, reply) => {
        countCall(request);
        const target = parseTarget(request.query);
        return attempt(request, reply, target, async () => {
          const { url, checks } = await provider.begin();
          const expiresAt = now() + longestSignInSeconds * 1000;
          reply.header('set-cookie', signInCookie.write({ checks, expiresAt, target }));
          await reply.redirect(url, 303);
        });
      },
    );

    app.get(
      callbackPath,
      {
        schema: {
          tags: ['Sessions'],
          operationId: 'finish_sign_in',
          summary: 'Come back from the OpenID provider',
          description: 'The redirect URI that is registered at the provider.',
          response: errorResponses(429),
        },
      },
      async (request, reply) => {
        countCall(request);
        const pending = signInCookie.read(request.headers.cookie);
        reply.header('set-cookie', signInCookie.write(undefined));
        const target = pending?.target ?? { kind: 'browser', page: '/' };
        return attempt(request, reply, target, async () => {
          const state = new URL(request.url, issuer).searchParams.get('state');
          if (pending === undefined || pending.expiresAt <= now() || pending.checks.state !== state) {
            throw signInLost();
          }
          // Each sign-in ends once, also for somebody who has copied cookie and address.
          const expiresAt = pending.expiresAt / 1000;
          const use = { kind: 'sign-in', issuer, jti: state, expiresAt } as const;
          // Counted by address, so that no stranger uses up what all people together may.
          if (!(await usedTokens.use({ ...use, clientId: `${signInPath} ${addressGroup(request.ip)}` }))) {
            throw signInLost();
          }
          const search = request.url.slice(request.url.indexOf('?'));
          const claims = await provider.finish(new URL(issuer + callbackPath + search), pending.checks);
          const person = await admit(claims, request);
          if (target.kind === 'command') {
            const code = await sessions.createCode(person, 'command', { challenge: target.challenge });
            const url = new URL(target.redirectUri);
            url.searchParams.set('code', code);
            url.searchParams.set('state', target.state);
            await reply.redirect(url.href, 303);
            return;
          }
          const { secret } = await sessions.open(person, 'browser');
          reply.header('set-cookie', sessionCookie.write(secret));
          await reply.redirect(`${issuer}/console${target.page}`, 303);
        });
      },
    );

    app.post(
      `${signInPath}/device`,
      {
        schema: {
          tags: ['Sessions'],
          operationId: 'begin_device_sign_in',
          summary: 'Begin to sign in on a device without a browser',
          description: 'The person enters the code at the provider, on another device.',
          response: { 200: DeviceAnswer, ...errorResponses(404, 429) },
        },
      },
      async (request) => {
        countCall(request);
        const device = await provider.beginDevice().catch(throwSignInError);
        if (device === undefined) {
          throw new OAuthError('not_found', `${showName(provider.name)} has no sign-in for devices without a browser.`);
        }
        return {
          device_code: device.deviceCode,
          user_code: device.userCode,
          verification_uri: device.verificationUri,
          ...(device.verificationUriComplete !== undefined && {
            verification_uri_complete: device.verificationUriComplete,
          }),
          expires_in: device.expiresInSeconds,
          interval: device.intervalSeconds,
        };
      },
    );

    app.post(
      `${signInPath}/device/token`,
      {
        schema: {
          tags: ['Sessions'],
          operationId: 'finish_device_sign_in',
          summary: 'Ask whether the person has signed in',
          description:
            'With the error authorization_pending: ask again, after the interval. With slow_down: the same, and the interval is five ' +
            'seconds longer from then on.',
          body: DeviceBody,
          response: { 200: SessionSecret, ...errorResponses(400, 403, 413, 415, 422, 429) },
        },
      },
      async (request) => {
        countCall(request);
        const claims = await provider.finishDevice(request.body.device_code).catch(throwSignInError);
        if (typeof claims === 'string') {
          throw new OAuthError(claims, pendingTexts[claims]);
        }
        const { secret } = await sessions.open(await admit(claims, request), 'command');
        return { session: secret };
      },
    );
  };
}

/** RFC 8628 §3.5. */
const pendingTexts = {
  authorization_pending: 'The person has not signed in yet: ask again.',
  slow_down: 'The person has not signed in yet: ask again, and wait five seconds longer each time.',
} as const;

function signInLost(): OAuthError {
  return new OAuthError('access_denied', 'This sign-in has expired or was used: sign in again.', {
    reason: 'sign_in_lost',
  });
}

/** What was thrown as an error with one of the reasons that the console knows. Throws anything that is none. */
function toSignInError(thrown: unknown): OAuthError {
  if (thrown instanceof ProviderUnavailable) {
    return new OAuthError(
      'temporarily_unavailable',
      'The identity provider does not answer. Try again, or sign in with the ID and secret of a client.',
      { reason: 'provider_unavailable', cause: thrown },
    );
  }
  if (thrown instanceof ProviderRefused) {
    return new OAuthError('access_denied', `The identity provider refused: ${thrown.code ?? 'invalid answer'}.`, {
      reason: 'provider_refused',
      cause: thrown.cause,
    });
  }
  if (thrown instanceof OAuthError && (thrown.reason === 'sign_in_lost' || thrown.reason === 'role_missing')) {
    return thrown;
  }
  throw thrown;
}

function throwSignInError(thrown: unknown): never {
  throw toSignInError(thrown);
}

/** The messages of an error and of what caused it, for the log. */
function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let cause: unknown = error; cause instanceof Error && messages.length < 5; cause = cause.cause) {
    messages.push(cause.message);
  }
  return messages.join(': ');
}

/** Characters of a name or an address that are kept. */
const longestName = 200;

function readPerson(claims: Claims, issuer: string) {
  const subject = String(claims['sub']);
  const text = (name: string) => {
    const value = claims[name];
    const clean = typeof value === 'string' ? value.replace(/\p{C}/gu, '').trim().slice(0, longestName) : '';
    return clean === '' ? undefined : clean;
  };
  const email = text('email') ?? null;
  return { issuer, subject, name: text('name') ?? text('preferred_username') ?? email ?? subject, email };
}
