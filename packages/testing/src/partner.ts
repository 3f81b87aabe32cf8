/** A partner for tests: it publishes client ID metadata documents, and asks for tokens by the keys in them. */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { allowLocalFetches, type DocumentServer, startHttpsServer } from './document-server.ts';
import type { Answer, TestServer } from './test-server.ts';

/** Lets a server read the documents of this machine. */
export const allowLocalDocuments = { ...allowLocalFetches, POSTERN_CLIENT_METADATA_HOSTS: '127.0.0.1' };

interface PartnerKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export interface Partner {
  readonly server: DocumentServer;
  /** The key in each document that has no other. */
  readonly key: PartnerKey;
  /** Publishes a document at a new URL, and returns that, which is the client id. An undefined member is left out. */
  publish(members?: object): string;
  /** Publishes another document at the URL. */
  replace(clientId: string, members?: object): void;
  /** Asks for a token, by an assertion for the server. */
  ask(asked: Pick<TestServer, 'url' | 'now' | 'postForm'>, clientId: string, options?: AskOptions): Promise<Answer>;
  close(): Promise<void>;
}

interface AskOptions {
  readonly key?: PartnerKey;
  readonly audience?: string;
  readonly form?: Readonly<Record<string, string>>;
}

export async function createPartnerKey(kid: string): Promise<PartnerKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid } };
}

export async function startPartner(): Promise<Partner> {
  const server = await startHttpsServer();
  const key = await createPartnerKey('one');
  let count = 0;

  const replace: Partner['replace'] = (clientId, members = {}) => {
    server.documents.set(new URL(clientId).pathname, {
      client_id: clientId,
      client_name: 'Partner',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.jwk] },
      ...members,
    });
  };

  return {
    server,
    key,
    replace,
    publish(members) {
      count += 1;
      const clientId = `${server.url}/agent-${count}.json`;
      replace(clientId, members);
      return clientId;
    },
    async ask(asked, clientId, { key: signer = key, audience = asked.url, form = {} } = {}) {
      count += 1;
      const assertion = await new SignJWT({ jti: `jti ${count}` })
        .setProtectedHeader({ alg: 'ES256', kid: signer.jwk.kid ?? '' })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(audience)
        .setExpirationTime(Math.floor(asked.now() / 1000) + 60)
        .sign(signer.privateKey);
      return asked.postForm('/api/v1/oauth/token', {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
        ...form,
      });
    },
    close: server.close,
  };
}
