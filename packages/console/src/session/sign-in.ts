/** From a session on the server, or a token that somebody pasted, to the session of the page. Tokens are kept in memory only. */
import { type AdminClient, AdminError } from '@postern/admin';
import { readClaims, scopesOf } from './access-token.ts';
import { connect } from './connect.ts';
import { endSession, hasEnded, readSession, startSession } from './server-session.ts';
import { cookieTokens, pastedToken, type SessionTokens } from './session-tokens.ts';

export interface Session {
  readonly admin: AdminClient;
  readonly clientId: string;
  /** The name of a person. Undefined: a client. */
  readonly name: string | undefined;
  readonly scopes: ReadonlySet<string>;
  /** When a pasted token expires, in milliseconds since 1970. Undefined: the server keeps the session. */
  readonly expiresAt: number | undefined;
  may(scope: string): boolean;
}

export interface SessionEvents {
  /** The token was rejected, and there is no other. */
  readonly onEnded: () => void;
  /** The session has other scopes than before. */
  readonly onChanged: (session: Session) => void;
}

/** Opens the session that the browser has. Undefined: nobody is signed in. Throws `AdminError`. */
export async function restoreSession(events: SessionEvents): Promise<Session | undefined> {
  if ((await readSession()).session === null) {
    return undefined;
  }
  let session: Session | undefined;
  const tokens = cookieTokens(({ accessToken }) => {
    const changed = sessionOf(accessToken, tokens, events);
    const isSame = session?.scopes.symmetricDifference(changed.scopes).size === 0;
    if (session !== undefined && !isSame) {
      events.onChanged(changed);
    }
    session = isSame ? session : changed;
  });
  try {
    await tokens.get();
  } catch (error) {
    if (hasEnded(error)) {
      return undefined;
    }
    throw error;
  }
  return session;
}

/** Signs in with the credentials of a client. Throws `AdminError`, and as `startSession` does. */
export async function signInWithSecret(
  client_id: string,
  client_secret: string,
  events: SessionEvents,
): Promise<Session> {
  await startSession({ client_id, client_secret });
  const session = await restoreSession(events);
  if (session === undefined) {
    throw new Error('The browser does not keep the cookie of the session: allow cookies for this address.');
  }
  return session;
}

/** Begins the session of a code in the address, which `postern console` opens. Somebody who is signed in already stays it. */
export async function redeemCodeInAddress(): Promise<void> {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code !== null) {
    history.replaceState(null, '', location.pathname + location.search);
    if ((await readSession()).session === null) {
      await startSession({ code });
    }
  }
}

const signInErrors: Readonly<Record<string, string>> = {
  provider_unavailable:
    'The identity provider does not answer. Try again later, or sign in with the ID and secret of a client.',
  provider_refused: 'The identity provider refused, or its answer is not valid. The log of the server says why.',
  sign_in_lost: 'This sign-in took too long, or was used already. Sign in again.',
  role_missing:
    'The identity provider knows you, and nobody has given you a role here. Ask an administrator of Postern for one.',
};

/** Why the provider sent the browser back without a session, which the server put into the address. */
export function takeSignInError(): string | undefined {
  const error = new URLSearchParams(location.search).get('sign_in_error');
  if (error === null) {
    return undefined;
  }
  history.replaceState(null, '', location.pathname);
  return signInErrors[error] ?? 'You are not signed in.';
}

/** Throws `AdminError` if the text is not a token, or the server does not accept it. */
export async function signInWithToken(token: string, events: SessionEvents): Promise<Session> {
  const claims = readClaims(token);
  if (claims === undefined) {
    throw new AdminError(
      'invalid_token',
      'This is not an access token: it does not have three parts separated by dots.',
    );
  }
  await requireAccepted(token);
  return { ...sessionOf(token, pastedToken(token), events), expiresAt: Number(claims['exp']) * 1000 };
}

/** Ends a session: on the server too, unless only this page knows it. */
export async function signOut(session: Session, where: 'here' | 'everywhere'): Promise<void> {
  if (session.expiresAt === undefined) {
    await endSession(where);
  }
}

function sessionOf(token: string, tokens: SessionTokens, { onEnded }: SessionEvents): Session {
  const claims = readClaims(token) ?? {};
  const scopes = new Set(scopesOf(claims));
  return {
    admin: connect(tokens, onEnded),
    clientId: String(claims['client_id']),
    name: typeof claims['name'] === 'string' ? claims['name'] : undefined,
    scopes,
    expiresAt: undefined,
    may: (scope) => scopes.has(scope),
  };
}

/** Any guarded call shows whether the token is valid: if it is, only a scope can be missing. */
async function requireAccepted(token: string): Promise<void> {
  try {
    await connect(pastedToken(token), () => {}).scopes.list();
  } catch (error) {
    if (!(error instanceof AdminError && error.status === 403)) {
      throw error;
    }
  }
}
