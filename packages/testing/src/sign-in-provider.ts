/** A real OpenID provider, at which tests sign in as anybody: a page asks who one is, and believes it. */
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type ProviderContext } from 'oidc-provider';
import { freePort } from './free-port.ts';

export interface SignInProvider {
  readonly issuer: string;
  /** The variables that make a server sign people in here. */
  readonly env: Readonly<Record<string, string>>;
  /** What the provider says about each person, by their subject. Tests change it. */
  readonly people: Record<string, Record<string, unknown>>;
  close(): void;
}

const callback = '/api/v1/sign-in/callback';
const clientId = 'postern';
const clientSecret = 'a-secret-of-the-provider';
const scope = 'openid profile email groups';

/** `roles`: the rules by which the server gives roles to people. */
export async function startSignInProvider(roles: readonly object[]): Promise<SignInProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const key = await generateKeyPair('ES256', { extractable: true });
  const people: SignInProvider['people'] = {};
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        redirect_uris: [`http://127.0.0.1${callback}`],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [{ ...(await exportJWK(key.privateKey)), alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['a key of the provider'] },
    claims: { profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_context: unknown, sub: string) =>
      people[sub] === undefined ? undefined : { accountId: sub, claims: async () => ({ ...people[sub], sub }) },
    // Nobody is asked for consent.
    async loadExistingGrant({ oidc }: ProviderContext) {
      const accountId = oidc.session?.accountId;
      const grant = new oidc.provider.Grant({ clientId, ...(accountId !== undefined && { accountId }) });
      grant.addOIDCScope(scope);
      await grant.save();
      return grant;
    },
  });
  // The port of the server is not known yet.
  provider.Client.prototype.redirectUriAllowed = (uri) => new URL(uri).pathname === callback;
  provider.use(async (context, next) => {
    if (context.path === '/device/auth') {
      await next();
      // Commands ask again after a second, and not after the five of RFC 8628 §3.2.
      Object.assign(context.body as unknown as object, { interval: 1 });
      return;
    }
    if (!context.path.startsWith('/interaction/')) {
      return next();
    }
    const login = context.query['login'];
    if (typeof login !== 'string') {
      context.type = 'html';
      context.body =
        '<title>Provider</title><form><label>Who are you? <input name="login"></label><button>Go on</button></form>';
      return;
    }
    await provider.interactionFinished(context.req, context.res, { login: { accountId: login } });
    context.respond = false;
  });
  const server = provider.listen(port, '127.0.0.1');
  return {
    issuer,
    people,
    env: {
      POSTERN_SIGN_IN_ISSUER: issuer,
      POSTERN_SIGN_IN_CLIENT_ID: clientId,
      POSTERN_SIGN_IN_CLIENT_SECRET: clientSecret,
      POSTERN_SIGN_IN_SCOPE: scope,
      POSTERN_SIGN_IN_ROLES: JSON.stringify(roles),
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A browser for the sign-ins of one person: it keeps cookies, and stops where `until` matches the address. */
export function createCookieJar() {
  const cookies = new Map<string, Map<string, string>>();
  const send = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { host } = new URL(url);
    const jar = cookies.get(host) ?? new Map<string, string>();
    cookies.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), ...(cookie !== '' && { cookie }) },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /max-age=0/i.test(line)) {
        jar.delete(name);
      } else {
        jar.set(name, value);
      }
    }
    return response;
  };
  return {
    cookies,
    send,
    /** Follows redirects, and answers the provider's question. Returns the address at which it stops. */
    async follow(url: string, login: string, until: (url: URL) => boolean): Promise<string> {
      for (let at = url, steps = 0; steps < 15; steps += 1) {
        if (until(new URL(at))) {
          return at;
        }
        const response = await send(at);
        const location = response.headers.get('location');
        if (location === null) {
          if (!at.includes('/interaction/')) {
            throw new Error(`${at} answered ${response.status}: ${await response.text()}`);
          }
          at = `${at}?login=${encodeURIComponent(login)}`;
        } else {
          at = new URL(location, at).href;
        }
      }
      throw new Error('too many redirects');
    },
  };
}

/** Enters the code of a device at the provider, as the person does. */
export async function enterDeviceCode(url: string, login: string): Promise<void> {
  const jar = createCookieJar();
  let page = await (await jar.send(url)).text();
  for (let step = 0; step < 4; step += 1) {
    const action = /action="([^"]+)"/.exec(page)?.[1];
    if (action === undefined) {
      return;
    }
    const fields = [...page.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    const body = new URLSearchParams([...fields, ['confirm', 'yes']]);
    let response = await jar.send(new URL(action, url).href, { method: 'POST', body });
    let location = response.headers.get('location');
    while (location !== null) {
      const at = new URL(location, url).href;
      response = await jar.send(at.includes('/interaction/') ? `${at}?login=${login}` : at);
      location = response.headers.get('location');
    }
    page = await response.text();
  }
}
