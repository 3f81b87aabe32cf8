/** Calls of `/api/v1/session` and `/api/v1/sign-in`, by which a person signs in. */
import { AdminError, createAdminClient } from '@postern/admin';
import { explainFaults } from '../connection/server-connection.ts';

export interface DeviceSignIn {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete?: string;
  /** Seconds. */
  readonly interval: number;
  readonly expires_in: number;
}

export interface SessionApi {
  /** The name of the OpenID provider, and where a browser begins to sign in; null: there is none. */
  findProvider(): Promise<{ readonly name: string; readonly url: string } | null>;
  /** Returns the secret of the session that a code begins. */
  redeem(code: string, verifier: string): Promise<string>;
  beginDevice(): Promise<DeviceSignIn>;
  /** Returns the secret of the session, or why there is none yet. RFC 8628 §3.5. */
  finishDevice(deviceCode: string): Promise<{ readonly secret: string } | 'authorization_pending' | 'slow_down'>;
  /** Returns the address of the console that signs in whoever opens it. */
  createConsoleUrl(credentials: ConsoleCredentials): Promise<string>;
  end(secret: string): Promise<void>;
}

export type ConsoleCredentials =
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly sessionSecret: string };

const path = '/api/v1/session';

/** The header says that no page of another server sends the requests. */
export function createSessionApi(server: string): SessionApi {
  const api = (secret?: string) =>
    createAdminClient({
      server,
      fetch: (url, init) =>
        fetch(url, {
          ...init,
          headers: {
            ...init.headers,
            'postern-session': '1',
            ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
          },
        }),
    });
  return {
    async findProvider() {
      const answer = await explainFaults(server, () =>
        api().send<{ provider: { name: string; url: string } | null }>({ method: 'GET', path }),
      );
      return answer.provider;
    },
    async redeem(code, code_verifier) {
      const { secret } = await api().send<{ secret: string }>({ method: 'POST', path, body: { code, code_verifier } });
      return secret;
    },
    beginDevice: () => api().send({ method: 'POST', path: '/api/v1/sign-in/device', body: {} }),
    async finishDevice(device_code) {
      try {
        const body = { device_code };
        const { session } = await api().send<{ session: string }>({
          method: 'POST',
          path: '/api/v1/sign-in/device/token',
          body,
        });
        return { secret: session };
      } catch (error) {
        if (error instanceof AdminError && (error.code === 'authorization_pending' || error.code === 'slow_down')) {
          return error.code;
        }
        throw error;
      }
    },
    async createConsoleUrl(credentials) {
      const [secret, body] =
        'sessionSecret' in credentials
          ? [credentials.sessionSecret, {}]
          : [undefined, { client_id: credentials.clientId, client_secret: credentials.clientSecret }];
      const answer = await explainFaults(server, () =>
        api(secret).send<{ url: string }>({ method: 'POST', path: `${path}/code`, body }),
      );
      return answer.url;
    },
    end: (secret) => api(secret).send({ method: 'DELETE', path }),
  };
}
