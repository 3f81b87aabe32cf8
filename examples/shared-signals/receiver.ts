/**
 * A receiver of shared signals, by public libraries alone: polls an event stream, verifies each SET, prints what it says, and
 * acknowledges it. SSF 1.0 §8.1, RFC 8936 §2, RFC 8417 §4. Variables: ISSUER, CLIENT_ID and CLIENT_SECRET of a client with the scopes ssf.read and
 * ssf.manage.
 */
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { ISSUER = 'http://localhost:8080', CLIENT_ID = '', CLIENT_SECRET = '' } = process.env;

interface Transmitter {
  readonly configuration_endpoint: string;
  readonly jwks_uri: string;
}

interface Stream {
  readonly stream_id: string;
  readonly iss: string;
  readonly aud: string;
  readonly delivery: { readonly endpoint_url: string };
}

const { configuration_endpoint, jwks_uri } = await readJson<Transmitter>(`${ISSUER}/.well-known/ssf-configuration`);
const keys = createRemoteJWKSet(new URL(jwks_uri));

const stream = await callAsClient<Stream>(configuration_endpoint, { description: 'the example receiver' });
console.log(`stream ${stream.stream_id}`);

/** The ids of SETs that were processed: each counts once, however often it is sent. */
const known = new Set<string>();
let ack: string[] = [];
let setErrs: Record<string, { err: string; description: string }> = {};
for (;;) {
  const { sets } = await callAsClient<{ sets: Record<string, string> }>(stream.delivery.endpoint_url, { ack, setErrs });
  [ack, setErrs] = [[], {}];
  for (const [jti, set] of Object.entries(sets)) {
    try {
      // A SET has a type of its own and no `exp`, so that nothing takes it for an access token, and it for none.
      const { payload } = await jwtVerify(set, keys, {
        typ: 'secevent+jwt',
        issuer: stream.iss,
        audience: stream.aud,
        algorithms: ['RS256'],
        requiredClaims: ['jti', 'iat', 'sub_id', 'events'],
      });
      if (payload.jti !== jti) {
        throw new Error('its jti is another one than that under which it was sent');
      }
      if (!known.has(jti)) {
        known.add(jti);
        console.log(JSON.stringify({ sub_id: payload['sub_id'], events: payload['events'] }));
      }
      ack.push(jti);
    } catch (error) {
      setErrs[jti] = { err: 'invalid_request', description: (error as Error).message };
    }
  }
}

/** Posts JSON with an access token. */
async function callAsClient<T>(url: string, body: object): Promise<T> {
  const { access_token } = await readJson<{ access_token: string }>(`${ISSUER}/api/v1/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return readJson<T>(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function readJson<T>(url: string, request?: RequestInit): Promise<T> {
  const answer = await fetch(url, request);
  if (!answer.ok) {
    throw new Error(`${url} answers ${answer.status}: ${await answer.text()}`);
  }
  return (await answer.json()) as T;
}
