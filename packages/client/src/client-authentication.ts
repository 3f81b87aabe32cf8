/**
 * How a client authenticates, and for whom it acts. RFC 6749 §2.3, RFC 7523 §2.1 and §2.2, RFC 8705 §2,
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §4.4, draft-ietf-oauth-spiffe-client-auth-02 §3.1.
 */
import { clientCredentialsGrant, jwtBearerAssertion, jwtBearerGrant, jwtSpiffeAssertion } from '@postern/protocol';
import { toBase64 } from './base64url.ts';
import { importSigningKey, type Jwk, type JwsAlgorithm, randomId, signJwt } from './signing-key.ts';

/** What a request to the token endpoint carries so that the server knows its client. */
export interface AuthenticationParts {
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ClientAuthentication {
  /** The grant by which the client gets tokens for itself. */
  readonly grantType: typeof clientCredentialsGrant | typeof jwtBearerGrant;
  /** Uses the server's token endpoint for certificates, if it has one. RFC 8705 §5. */
  readonly usesCertificate: boolean;
  /** Called for every request, so that a single-use assertion is never sent twice. */
  readonly authenticate: (issuer: string, nowSeconds: number) => AuthenticationParts | Promise<AuthenticationParts>;
}

const byCredentials = { grantType: clientCredentialsGrant, usesCertificate: false } as const;

/** Id and secret in the `Authorization` header, form-encoded as RFC 6749 §2.3.1 wants it. */
export function clientSecretBasic(clientId: string, clientSecret: string): ClientAuthentication {
  const text = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  const authorization = `Basic ${toBase64(new TextEncoder().encode(text))}`;
  return { ...byCredentials, authenticate: () => ({ headers: { authorization } }) };
}

/** Id and secret in the body. */
export function clientSecretPost(clientId: string, clientSecret: string): ClientAuthentication {
  return { ...byCredentials, authenticate: () => ({ form: { client_id: clientId, client_secret: clientSecret } }) };
}

export interface PrivateKeyJwtOptions {
  readonly clientId: string;
  /** A `CryptoKey`, a private JWK, or PKCS #8 in PEM. */
  readonly key: CryptoKey | Jwk | string;
  /** Default: the JWK's own, else what fits the key: RS256 for RSA, ES256 for a PEM text. */
  readonly alg?: JwsAlgorithm;
  /** Which of the client's keys it is. Default: the JWK's own, else none. */
  readonly kid?: string;
  /** The `aud`. Default: the issuer, as Postern wants it; some servers want the URL of their token endpoint. */
  readonly audience?: string;
}

/** Lifetime of an assertion, in seconds. It is sent at once and used once. */
const assertionLifetimeSeconds = 60;

/** A JWT that the client signs with its own key for each request: no secret leaves it. RFC 7523 §2.2. */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuthentication {
  const { clientId, key } = options;
  const jwkKid = typeof key === 'object' && 'kid' in key && typeof key['kid'] === 'string' ? key['kid'] : undefined;
  const kid = options.kid ?? jwkKid;
  let signingKey: ReturnType<typeof importSigningKey> | undefined;
  return {
    ...byCredentials,
    async authenticate(issuer, nowSeconds) {
      signingKey ??= importSigningKey(key, options.alg);
      const iat = Math.floor(nowSeconds);
      const assertion = await signJwt(
        { typ: 'JWT', ...(kid !== undefined && { kid }) },
        {
          iss: clientId,
          sub: clientId,
          aud: options.audience ?? issuer,
          jti: randomId(),
          iat,
          exp: iat + assertionLifetimeSeconds,
        },
        await signingKey,
      );
      return {
        form: {
          client_id: clientId,
          client_assertion_type: jwtBearerAssertion,
          client_assertion: assertion,
        },
      };
    },
  };
}

/** The certificate of the TLS connection, which is the business of the `fetch` that the token client is given. RFC 8705 §2. */
export function mutualTls(clientId: string): ClientAuthentication {
  return { ...byCredentials, usesCertificate: true, authenticate: () => ({ form: { client_id: clientId } }) };
}

/**
 * The JWT-SVID of a workload, in place of a secret. `read` is called for every request, since the agent replaces it, and it counts once.
 * draft-ietf-oauth-spiffe-client-auth-02 §3.1.
 */
export function jwtSvid(clientId: string, read: () => Promise<string> | string): ClientAuthentication {
  return {
    ...byCredentials,
    authenticate: async () => ({
      form: {
        client_id: clientId,
        client_assertion_type: jwtSpiffeAssertion,
        client_assertion: (await read()).trim(),
      },
    }),
  };
}

/**
 * The token that the platform gives a workload (GitHub Actions, Kubernetes, SPIFFE), in place of a secret. RFC 7523 §2.1.
 * `read` is called for every request: such tokens are short-lived, and some are single-use.
 */
export function workloadToken(read: () => Promise<string> | string): ClientAuthentication {
  return {
    grantType: jwtBearerGrant,
    usesCertificate: false,
    // A token from a file ends with a line end.
    authenticate: async () => ({ form: { assertion: (await read()).trim() } }),
  };
}

/**
 * A client that acts for a person, by an ID-JAG of the person's identity provider, and authenticates as `client` does. `read` is
 * called for every request, since an ID-JAG is used once: `exchangeToken` gets one. draft-ietf-oauth-identity-assertion-authz-grant-04 §4.4.
 */
export function actFor(client: ClientAuthentication, read: () => Promise<string> | string): ClientAuthentication {
  return {
    grantType: jwtBearerGrant,
    usesCertificate: client.usesCertificate,
    async authenticate(issuer, nowSeconds) {
      const assertion = await read();
      const { form, ...parts } = await client.authenticate(issuer, nowSeconds);
      return { ...parts, form: { ...form, assertion } };
    },
  };
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
