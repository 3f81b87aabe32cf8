/**
 * JWTs that are wrong in ways that verifiers were fooled by, at every place that takes one. RFC 8725 §2 and §3, RFC
 * 7515 §4.1, §5.2 and §10, RFC 7797 §6. Each is a good one with one thing changed, and where a signature can be right,
 * it is: what is refused is the change.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { createServer } from 'node:net';
import { type Credentials, startTestServer, type TestServer } from '@postern/testing/test-server';
import { CompactEncrypt, calculateJwkThumbprint } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  apiPath,
  outcomeOf,
  type PlaceName,
  places,
  type StolenKey,
  secretOf,
  stealSigningKey,
  tokenExchange,
  tokenPath,
} from './jwt-places.ts';

let server: TestServer;
let secretClient: Credentials;
let keyClientId: string;
let serverKey: StolenKey;
/** Bound to `ownKey`. */
let boundToken: string;

/** The key of the client: of its assertions, and of its proofs. */
const ownKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ownJwk = ownKey.publicKey.export({ format: 'jwk' });

/** A listener that counts who comes, for addresses of keys that nobody should follow. */
let visits = 0;
const trap = createServer((socket) => {
  visits += 1;
  socket.destroy();
});
let trapUrl: string;

beforeAll(async () => {
  server = await startTestServer();
  secretClient = await server.createClient({
    scopes: ['scope:read'],
    grant_types: ['client_credentials', tokenExchange],
  });
  const { body } = await server.call('POST', '/api/v1/oauth/client', {
    token: await server.rootToken(),
    body: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...ownJwk, kid: 'own' }] } },
  });
  keyClientId = body.client_id;
  serverKey = await stealSigningKey(server);
  const dpop = compact(targets['DPoP at the token endpoint'].good());
  const form = { grant_type: 'client_credentials', ...secretOf(secretClient) };
  boundToken = (await server.postForm(tokenPath, form, { dpop })).body.access_token;
  await new Promise<void>((listening) => trap.listen(0, '127.0.0.1', listening));
  const address = trap.address();
  trapUrl = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/keys`;
});
// So many failures would come to be answered with 429.
beforeEach(() => server.advance(60));
afterAll(async () => {
  await server.close();
  await new Promise((closed) => trap.close(closed));
});

interface Jwt {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly key: KeyObject;
}

const nowSeconds = () => Math.floor(server.now() / 1000);
const times = () => ({ jti: randomUUID(), iat: nowSeconds(), exp: nowSeconds() + 60 });

const goodToken = (): Jwt => ({
  header: { typ: 'at+jwt', alg: 'ES256', kid: serverKey.kid },
  claims: {
    ...times(),
    iss: server.url,
    sub: secretClient.clientId,
    client_id: secretClient.clientId,
    aud: server.url,
    scope: 'scope:read',
    gen: 0,
  },
  key: serverKey.privateKey,
});
const goodAssertion = (): Jwt => ({
  header: { typ: 'JWT', alg: 'ES256', kid: 'own' },
  claims: { ...times(), iss: keyClientId, sub: keyClientId, aud: server.url },
  key: ownKey.privateKey,
});
const goodProof = (claims: Record<string, unknown>): Jwt => ({
  header: { typ: 'dpop+jwt', alg: 'ES256', jwk: ownJwk },
  claims: { ...times(), ...claims },
  key: ownKey.privateKey,
});

/**
 * Bad tokens of workloads and people, and bad SVIDs, are in tests of their own: theirs may lack what others must have. Bad
 * signatures of the feed are in the catalogue of guard cases, and bad SETs in the tests of the guard.
 */
type TargetName =
  | Exclude<
      PlaceName,
      | 'client_assertion, as a JWT-SVID'
      | 'assertion of the jwt-bearer grant'
      | 'assertion of the jwt-bearer grant, with the credentials of the client'
      | 'subject_token of token exchange, as a JWT'
      | 'subject_token of token exchange, as an ID token'
      | 'answer of the revocation feed, at a guard'
      | 'SET of an event stream, at a guard'
    >
  | 'DPoP at an API';

interface Target {
  readonly good: () => Jwt;
  readonly refusal: string;
  readonly send: (jwt: string, server: TestServer, client: Credentials) => Promise<string>;
}

const targets: Record<TargetName, Target> = {
  'Authorization: Bearer': { good: goodToken, ...places['Authorization: Bearer'] },
  'subject_token of token exchange': { good: goodToken, ...places['subject_token of token exchange'] },
  'actor_token of token exchange': { good: goodToken, ...places['actor_token of token exchange'] },
  'token at introspection': { good: goodToken, ...places['token at introspection'] },
  'token at revocation': { good: goodToken, ...places['token at revocation'] },
  client_assertion: { good: goodAssertion, ...places.client_assertion },
  'DPoP at the token endpoint': {
    good: () => goodProof({ htm: 'POST', htu: server.url + tokenPath }),
    ...places['DPoP at the token endpoint'],
  },
  'DPoP at an API': {
    good: () =>
      goodProof({
        htm: 'GET',
        htu: server.url + apiPath,
        ath: createHash('sha256').update(boundToken).digest('base64url'),
      }),
    refusal: '401 invalid_dpop_proof',
    send: async (jwt) => {
      const response = await fetch(server.url + apiPath, {
        headers: { authorization: `DPoP ${boundToken}`, dpop: jwt },
      });
      return outcomeOf({ status: response.status, headers: response.headers, body: await response.json() });
    },
  },
};

const base64url = (part: string | Buffer) => Buffer.from(part).toString('base64url');
const json = (part: unknown) => base64url(JSON.stringify(part));

/** The signature of any key over any text: ES256, EdDSA or RS256, by the kind of the key. */
function signatureOf(signingInput: string, key: KeyObject): string {
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return base64url(sign(digest, Buffer.from(signingInput), { key, dsaEncoding: 'ieee-p1363' }));
}

const signText = (header: string, payload: string, key: KeyObject) =>
  `${header}.${payload}.${signatureOf(`${header}.${payload}`, key)}`;

function compact({ header, claims, key }: Jwt): string {
  return signText(json(header), json(claims), key);
}

const withHeader = (jwt: Jwt, over: Record<string, unknown>): Jwt => ({ ...jwt, header: { ...jwt.header, ...over } });
const withClaims = (jwt: Jwt, over: Record<string, unknown>): Jwt => ({ ...jwt, claims: { ...jwt.claims, ...over } });

/** Something wrong with a JWT; where it can be wrong in several ways, all of them. */
type Fault = (jwt: Jwt) => (string | Promise<string>)[];

const faults: [fault: string, make: Fault][] = [
  [
    'RFC 8725 §3.1 alg none in any case, without a signature and with one',
    (jwt) =>
      ['none', 'None', 'NONE', 'nOnE', 'none ', ''].flatMap((alg) => {
        const signed = compact(withHeader(jwt, { alg }));
        const signingInput = signed.slice(0, signed.lastIndexOf('.'));
        return [signed, `${signingInput}.`, signingInput, `${signingInput}.AA`];
      }),
  ],
  [
    'RFC 8725 §2.1 a public key as the secret of an HMAC',
    (jwt) => {
      const publicKey = createPublicKey(jwt.key);
      const jwk = publicKey.export({ format: 'jwk' });
      const secrets = [
        publicKey.export({ format: 'pem', type: 'spki' }),
        String(publicKey.export({ format: 'pem', type: 'spki' })).trim(),
        publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(jwk),
        Buffer.from(jwk.x ?? '', 'base64url'),
        '',
      ];
      return secrets.flatMap((secret) =>
        ['256', '384', '512'].map((bits) => {
          const signingInput = `${json({ ...jwt.header, alg: `HS${bits}` })}.${json(jwt.claims)}`;
          return `${signingInput}.${createHmac(`sha${bits}`, secret).update(signingInput).digest('base64url')}`;
        }),
      );
    },
  ],
  [
    'RFC 8725 §3.1 an algorithm that is not the one of the key',
    (jwt) =>
      ['RS256', 'PS256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'ES256K', 'es256', 'ES256 '].map((alg) =>
        compact(withHeader(jwt, { alg })),
      ),
  ],
  [
    'RFC 8725 §3.1 a key of another type',
    (jwt) =>
      [
        generateKeyPairSync('rsa', { modulusLength: 2_048 }),
        generateKeyPairSync('ed25519'),
        generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      ].flatMap(({ privateKey }) =>
        ['ES256', 'RS256', 'EdDSA'].map((alg) => compact({ ...withHeader(jwt, { alg }), key: privateKey })),
      ),
  ],
  [
    'RFC 7515 §4.1.11 crit with what nobody here understands, empty or no array',
    (jwt) =>
      [['exp'], ['x'], ['x', 'x'], ['alg'], ['b64'], [], [''], [null], 'x', {}, null, true].map((crit) =>
        compact(withHeader(jwt, { crit, x: 1, exp: 1 })),
      ),
  ],
  [
    'RFC 7797 §6 an unencoded payload, really unencoded or only said to be so',
    (jwt) => {
      const header = json({ ...jwt.header, b64: false, crit: ['b64'] });
      const payload = JSON.stringify(jwt.claims);
      // The first dot after the header would end the payload; a form or a header takes the rest as it is.
      const raw = `${header}.${payload}`;
      return [
        signText(header, json(jwt.claims), jwt.key),
        `${raw}.${signatureOf(raw, jwt.key)}`,
        `${header}..${signatureOf(raw, jwt.key)}`,
        signText(json({ ...jwt.header, b64: false }), payload, jwt.key),
      ];
    },
  ],
  [
    'RFC 7516 §3.1 an encrypted token of five parts',
    (jwt) => {
      const encrypt = (alg: string, key: KeyObject) =>
        new CompactEncrypt(Buffer.from(compact(jwt)))
          .setProtectedHeader({ ...jwt.header, alg, enc: 'A256GCM', cty: 'JWT' })
          .encrypt(key);
      return [
        encrypt('ECDH-ES', createPublicKey(jwt.key)),
        encrypt('RSA-OAEP', generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey),
        `${json(jwt.header)}....`,
        `${compact(jwt)}.AA.AA`,
      ];
    },
  ],
  [
    'RFC 7515 §7.1 dots and parts that are too many, too few or empty',
    (jwt) => {
      const [header = '', payload = '', signature = ''] = compact(jwt).split('.');
      return [
        '.'.repeat(8_000),
        '..',
        `${header}.${payload}`,
        `${header}.${payload}.${signature}.`,
        `.${header}.${payload}.${signature}`,
        `${header}..${signature}`,
        `.${payload}.${signature}`,
        `${header}.${payload}.${signature}.${signature}`,
        `${header}${'.'.repeat(8_000)}${signature}`,
        header,
      ];
    },
  ],
  [
    'RFC 7515 §2 base64 that is not canonical, rightly signed',
    (jwt) => {
      const header = json(jwt.header);
      const payload = json(jwt.claims);
      const good = compact(jwt);
      // ES256 has 64 bytes, so four bits of the last character mean nothing.
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const last = alphabet.indexOf(good.at(-1) ?? '');
      const padded = (part: string) => `${part}${'='.repeat((4 - (part.length % 4)) % 4 || 4)}`;
      const classic = (part: string) => part.replaceAll('-', '+').replaceAll('_', '/');
      const odd = base64url(`${JSON.stringify(jwt.claims)} ??>>`.padEnd(JSON.stringify(jwt.claims).length + 6, '?'));
      return [
        ...[1, 7, 15].map((bits) => good.slice(0, -1) + alphabet[last ^ bits]),
        signText(padded(header), payload, jwt.key),
        signText(header, padded(payload), jwt.key),
        `${good}==`,
        signText(`${header}A`, payload, jwt.key),
        signText(header, `${payload}*`, jwt.key),
        signText(header, `${payload.slice(0, 9)} ${payload.slice(9)}`, jwt.key),
        signText(header, `${payload.slice(0, 9)}%0A${payload.slice(9)}`, jwt.key),
        signText(header, classic(odd), jwt.key),
      ];
    },
  ],
  [
    'RFC 7515 §4 a header or payload that is no JSON object',
    (jwt) =>
      ['[]', 'null', '"text"', '1', 'true', '', '{', '{}{}', '\ufeff{}', `[${JSON.stringify(jwt.claims)}]`].flatMap(
        (text) => [
          signText(base64url(text), json(jwt.claims), jwt.key),
          signText(json(jwt.header), base64url(text), jwt.key),
        ],
      ),
  ],
  [
    'RFC 7515 §4.1 a header with arrays, objects and numbers where strings are due',
    (jwt) =>
      [['ES256'], { alg: 'ES256' }, 256, null, undefined, true].flatMap((alg) => compact(withHeader(jwt, { alg }))),
  ],
  [
    'RFC 7519 §5.1 a typ that is no string',
    (jwt) =>
      [[jwt.header['typ']], { typ: jwt.header['typ'] }, 1, null, false].map((typ) => compact(withHeader(jwt, { typ }))),
  ],
  [
    'RFC 7519 §4.1.7 a jti that is no string, empty or missing',
    (jwt) => [['a'], { a: 1 }, 1, null, true, undefined].map((jti) => compact(withClaims(jwt, { jti }))),
  ],
  [
    'RFC 7519 §2 an iat that is no number',
    (jwt) =>
      [['1'], {}, `${nowSeconds()}`, null, true]
        .map((iat) => compact(withClaims(jwt, { iat })))
        .concat(
          signText(
            json(jwt.header),
            base64url(JSON.stringify({ ...jwt.claims, iat: 'x' }).replace('"x"', '1e999')),
            jwt.key,
          ),
        ),
  ],
];

describe.each(Object.entries(targets))('%s', (_, { good, refusal, send }) => {
  test('takes the one that is changed below', async () => {
    expect(await send(compact(good()), server, secretClient)).toBe('passed');
  });

  test.each(faults)('%s', async (_fault, make) => {
    const attempts = await Promise.all(make(good()));
    const outcomes = await Promise.all(attempts.map((jwt) => send(jwt, server, secretClient)));
    expect(outcomes.map((outcome, at) => (outcome === refusal ? refusal : `${outcome}: ${attempts[at]}`))).toEqual(
      attempts.map(() => refusal),
    );
  });
});

/** Faults of what only some places look at. */
const tokenTargets: TargetName[] = [
  'Authorization: Bearer',
  'subject_token of token exchange',
  'actor_token of token exchange',
  'token at introspection',
  'token at revocation',
];
const proofTargets: TargetName[] = ['DPoP at the token endpoint', 'DPoP at an API'];

async function expectRefused(name: TargetName, jwts: string[]): Promise<void> {
  const { send, refusal } = targets[name];
  for (const jwt of jwts) {
    expect([jwt, await send(jwt, server, secretClient)]).toEqual([jwt, refusal]);
  }
}

describe('RFC 8725 §3.10 keys and addresses of keys in the header are not believed, nor visited', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = stranger.publicKey.export({ format: 'jwk' });
  const headers = async () => [
    { jwk },
    { jku: trapUrl },
    { x5u: trapUrl },
    { x5c: ['MIIBszCCAVmgAwIBAgIUAAAA'] },
    { jwk, kid: await calculateJwkThumbprint(jwk) },
    { jwk: JSON.stringify(jwk) },
    { jku: trapUrl, kid: undefined },
    { kid: trapUrl },
  ];

  test.each([...tokenTargets, 'client_assertion'] as const)('%s', async (name) => {
    const jwt = targets[name].good();
    const forged = (await headers()).map((header) => compact({ ...withHeader(jwt, header), key: stranger.privateKey }));
    await expectRefused(name, forged);
    expect(visits).toBe(0);
  });

  test.each(proofTargets)('%s, where the key inside is the only one', async (name) => {
    const jwt = targets[name].good();
    const at = [{ jku: trapUrl }, { x5u: trapUrl }, { jwk: undefined, jku: trapUrl }, { jwk: undefined, x5u: trapUrl }];
    await expectRefused(
      name,
      at.map((header) => compact({ ...withHeader(jwt, header), key: stranger.privateKey })),
    );
    expect(visits).toBe(0);
  });
});

describe('RFC 7515 §4.1.4 a kid that is no id of a key', () => {
  test.each([...tokenTargets, 'client_assertion'] as const)('%s', async (name) => {
    const jwt = targets[name].good();
    const kids = [
      '',
      '__proto__',
      'constructor',
      '../../etc/passwd',
      "' or 1=1 --",
      '\u0000',
      '\ud800',
      'k'.repeat(5_000),
    ];
    const wrong = [[jwt.header['kid']], { kid: jwt.header['kid'] }, 1, null, true];
    await expectRefused(
      name,
      [...kids, ...wrong].map((kid) => compact(withHeader(jwt, { kid }))),
    );
  });
});

describe('RFC 7519 §2 arrays and objects where strings are due', () => {
  test.each(tokenTargets)('%s', async (name) => {
    const jwt = targets[name].good();
    const wrong = ['iss', 'sub', 'client_id', 'scope'].flatMap((claim) =>
      [[jwt.claims[claim]], { value: jwt.claims[claim] }, 1, null].map((value) =>
        compact(withClaims(jwt, { [claim]: value })),
      ),
    );
    const audiences = [{ 0: server.url, length: 1 }, [], [1], [[server.url]], 1].map((aud) =>
      compact(withClaims(jwt, { aud })),
    );
    const bindings = [{}, [], 'x', { jkt: 1 }, { jkt: ['x'] }, { other: 'x' }].map((cnf) =>
      compact(withClaims(jwt, { cnf })),
    );
    await expectRefused(name, [...wrong, ...audiences, ...bindings]);
  });

  test('client_assertion', async () => {
    const jwt = goodAssertion();
    const ids = [
      [keyClientId],
      { id: keyClientId },
      1,
      null,
      true,
      '',
      '__proto__',
      '\u0000',
      '\ud800',
      'c'.repeat(5_000),
    ];
    const subjects = ids.map((id) => compact(withClaims(jwt, { iss: id, sub: id })));
    const audiences = [{ 0: server.url, length: 1 }, [], [[server.url]], [server.url, server.url], 1, null];
    const expiries = [['1'], {}, `${nowSeconds() + 60}`, true];
    await expectRefused('client_assertion', [
      ...subjects,
      ...audiences.map((aud) => compact(withClaims(jwt, { aud }))),
      ...expiries.map((exp) => compact(withClaims(jwt, { exp }))),
    ]);
  });

  test.each(proofTargets)('%s', async (name) => {
    const jwt = targets[name].good();
    const wrong = ['htm', 'htu', 'nonce'].flatMap((claim) =>
      [[jwt.claims[claim] ?? 'x'], { value: 'x' }, 1, null].map((value) =>
        compact(withClaims(jwt, { [claim]: value })),
      ),
    );
    await expectRefused(name, wrong);
  });
});

describe('RFC 9449 §4.3 a proof with a key that is none, or none to rely on', () => {
  test.each(proofTargets)('%s', async (name) => {
    const jwt = targets[name].good();
    const small = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const keys: unknown[] = [
      null,
      'x',
      1,
      [],
      [ownJwk],
      {},
      { kty: 'oct', k: 'c2VjcmV0' },
      { ...ownJwk, kty: 'RSA' },
      { ...ownJwk, kty: ['EC'] },
      { ...ownJwk, crv: 'P-521' },
      { ...ownJwk, crv: { name: 'P-256' } },
      { ...ownJwk, x: undefined },
      { ...ownJwk, x: 1 },
      { ...ownJwk, x: [ownJwk.x] },
      { ...ownJwk, x: '', y: '' },
      // A point that is not on the curve.
      { ...ownJwk, y: ownJwk.x },
      { ...ownJwk, x: 'A'.repeat(43), y: 'A'.repeat(43) },
      { ...ownJwk, d: 'AQ' },
      { ...ownJwk, k: 'AQ' },
      otherCurve.publicKey.export({ format: 'jwk' }),
      { kty: 'OKP', crv: 'X25519', x: ownJwk.x },
    ];
    const rsa = withHeader(jwt, { alg: 'RS256', jwk: small.publicKey.export({ format: 'jwk' }) });
    const exponent = { kty: 'RSA', n: base64url(Buffer.alloc(256, 0xff)), e: 'AQ' };
    const huge = { kty: 'RSA', n: base64url(Buffer.alloc(4_000, 0xff)), e: 'AQAB' };
    await expectRefused(name, [
      ...keys.map((jwk) => compact(withHeader(jwt, { jwk }))),
      compact({ ...rsa, key: small.privateKey }),
      ...[exponent, huge].map((jwk) => compact(withHeader(jwt, { alg: 'RS256', jwk }))),
    ]);
  });
});

describe('RFC 7515 §7.1 megabytes of dots', () => {
  const dots = '.'.repeat(4_000_000);

  test.each(['client_assertion', 'token at introspection', 'token at revocation'] as const)('%s', async (name) => {
    expect(await targets[name].send(dots, server, secretClient)).toBe('413 content_too_large');
  });

  test.each(['authorization', 'dpop'])('in the %s header', async (name) => {
    const response = await fetch(server.url + apiPath, { headers: { [name]: `DPoP ${dots.slice(0, 60_000)}` } });
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([431, 'header_too_large']);
  });
});
