/** Tokens that are bound to a DPoP key or to a client certificate. RFC 9449 §4.3, §7 and §9, RFC 8705 §3. */
import {
  claims,
  insufficientScope,
  invalidProof,
  invalidToken,
  jwtOf,
  manySteps,
  nonCanonical,
  nonceRequired,
  now,
  oneRequest,
  passes,
  proofReplayed,
  publish,
  requestStep,
  tokenOf,
  type Variant,
} from './build.ts';
import type { CaseRequest, Expectation, GuardCase, RequestStep } from './guard-case.ts';
import { hashOf, hmac, keys, type TestKey, thumbprintOf, toPem } from './keys.ts';

const bound = (key: TestKey) => tokenOf({ payload: { cnf: { jkt: thumbprintOf(key) } } });

const token = bound(keys.sender);

interface Proof {
  readonly header?: object | string;
  readonly payload?: object | string;
  readonly key?: TestKey;
  readonly token?: string;
  readonly sign?: (signingInput: string) => Buffer;
}

function proofOf(over: Proof = {}): string {
  const key = over.key ?? keys.sender;
  const header = { typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk };
  const payload = {
    jti: 'proof-1',
    htm: 'GET',
    htu: 'https://api.example.com/orders',
    iat: now,
    ath: hashOf(over.token ?? token),
  };
  return jwtOf(
    typeof over.header === 'string' ? over.header : { ...header, ...over.header },
    typeof over.payload === 'string' ? over.payload : { ...payload, ...over.payload },
    over.sign ?? key.signature,
  );
}

/** A request with these proofs. */
const sent = (proofs: readonly string[], bearer = token, scheme = 'DPoP'): Partial<CaseRequest> => ({
  headers: [['Authorization', `${scheme} ${bearer}`], ...proofs.map((proof) => ['DPoP', proof] as const)],
});

const proofFault = {
  malformed: invalidProof('proof_malformed', 'is not a single signed JWT'),
  type: invalidProof('token_type_wrong', 'must have typ dpop+jwt and no critical extensions'),
  algorithm: invalidProof('algorithm_not_allowed', 'must be signed with one of ES256, EdDSA, Ed25519, RS256, PS256'),
  fit: invalidProof('algorithm_not_allowed', 'has a jwk that does not fit its alg'),
  signature: invalidProof('signature_wrong', 'has a signature that does not match its jwk'),
  jti: invalidProof('proof_malformed', 'must have a jti of 1 to 256 characters'),
  target: invalidProof(
    'proof_wrong',
    'is for another request: its htm and htu must be the method and URL of this request',
  ),
  iat: invalidProof('proof_malformed', 'must have a number as its iat'),
  age: invalidProof('token_expired', 'is too old, or has an iat in the future'),
  nbf: invalidProof('token_not_yet_valid', 'is not valid yet, or has an nbf that is not a number'),
  ath: invalidProof('proof_wrong', 'must have the hash of the access token as its ath'),
  nonce: invalidProof('proof_malformed', 'must have a string as its nonce'),
};

const weakKey = (fault: string) => invalidProof('key_weak', `must have a public key as its jwk, and this one ${fault}`);

const proofMissing = invalidToken('proof_missing', 'DPoP');

type Row = readonly [name: string, title: string, proof: Proof, expect: Expectation, over?: Omit<Variant, 'expect'>];

const htu = (url: unknown) => ({ payload: { htu: url } });

const proofs: readonly Row[] = [
  ['good', 'a good proof', {}, passes()],
  ['typ-missing', 'the proof has no typ', { header: { typ: undefined } }, proofFault.type],
  ['typ-jwt', 'typ of the proof is JWT', { header: { typ: 'JWT' } }, proofFault.type],
  ['typ-access-token', 'typ of the proof is at+jwt', { header: { typ: 'at+jwt' } }, proofFault.type],
  [
    'typ-long',
    'typ of the proof has the long form, which RFC 9449 does not have',
    { header: { typ: 'application/dpop+jwt' } },
    proofFault.type,
  ],
  ['typ-upper-case', 'typ of the proof is in upper case', { header: { typ: 'DPOP+JWT' } }, proofFault.type],
  ['crit', 'the proof has a critical extension', { header: { crit: ['x'], x: 1 } }, proofFault.type],
  ['alg-missing', 'the proof has no alg', { header: { alg: undefined } }, proofFault.algorithm],
  ['alg-none', 'alg of the proof is none', { header: { alg: 'none' } }, proofFault.algorithm],
  [
    'alg-hs256',
    'the proof is an HMAC with the public key as its secret',
    { header: { alg: 'HS256' }, sign: hmac(toPem(keys.sender)) },
    proofFault.algorithm,
  ],
  ['alg-es384', 'alg of the proof is ES384', { header: { alg: 'ES384' } }, proofFault.algorithm],
  ['alg-rs512', 'alg of the proof is RS512', { header: { alg: 'RS512' } }, proofFault.algorithm],
  ['alg-other-key', 'alg is EdDSA, and the key an EC key', { header: { alg: 'EdDSA' } }, proofFault.fit],
  [
    'alg-other-curve',
    'alg is ES256, and the key one of Ed25519',
    { header: { jwk: keys.senderEddsa.jwk } },
    proofFault.fit,
  ],
  ['jwk-missing', 'the proof has no jwk', { header: { jwk: undefined } }, weakKey('is not a JWK')],
  ['jwk-null', 'jwk is null', { header: { jwk: null } }, weakKey('is not a JWK')],
  ['jwk-text', 'jwk is a text', { header: { jwk: JSON.stringify(keys.sender.jwk) } }, weakKey('is not a JWK')],
  [
    'jwk-private',
    'jwk has the private member d',
    { header: { jwk: keys.sender.privateJwk } },
    weakKey('has private members: send the public key only'),
  ],
  [
    'jwk-secret',
    'jwk is a secret',
    { header: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } },
    weakKey('has private members: send the public key only'),
  ],
  [
    'jwk-kty',
    'jwk has a kty that nobody knows',
    { header: { jwk: { ...keys.sender.jwk, kty: 'AKP' } } },
    weakKey('has a kty other than RSA, EC and OKP'),
  ],
  [
    'jwk-off-curve',
    'jwk is not a point on its curve',
    { header: { jwk: { ...keys.sender.jwk, x: keys.sender.jwk['y'] } } },
    weakKey('is not a point on its curve'),
  ],
  [
    'jwk-encryption',
    'jwk is for encryption',
    { header: { jwk: { ...keys.sender.jwk, use: 'enc' } } },
    weakKey('has a use other than sig'),
  ],
  [
    'jwk-kid',
    'jwk has a kid and other members, which do not count',
    { header: { jwk: publish(keys.sender, 'mine') } },
    passes(),
  ],
  [
    'jwk-alg-other',
    'jwk has an alg that its kty does not have',
    { header: { jwk: { ...keys.sender.jwk, alg: 'RS256' } } },
    weakKey('has an alg for signatures that its kty does not have'),
  ],
  ['jwk-rsa-1024', 'jwk is an RSA key of 1,024 bits', { key: keys.weakRs256 }, weakKey('must have 2048 to 4096 bits')],
  [
    'signature-other-key',
    'another key than jwk signed the proof',
    { sign: keys.otherEs256.signature },
    proofFault.signature,
  ],
  ['signature-zero', 'the signature of the proof is all zeros', { sign: () => Buffer.alloc(64) }, proofFault.signature],
  [
    'key-other',
    'the proof is of another key than the token is bound to',
    { key: keys.otherEs256 },
    invalidToken('proof_wrong', 'DPoP'),
  ],
  ['jti-missing', 'the proof has no jti', { payload: { jti: undefined } }, proofFault.jti],
  ['jti-empty', 'jti of the proof is empty', { payload: { jti: '' } }, proofFault.jti],
  ['jti-number', 'jti of the proof is a number', { payload: { jti: 1 } }, proofFault.jti],
  ['jti-longest', 'jti of the proof has 256 characters', { payload: { jti: 'j'.repeat(256) } }, passes()],
  ['jti-too-long', 'jti of the proof has 257 characters', { payload: { jti: 'j'.repeat(257) } }, proofFault.jti],
  ['htm-missing', 'the proof has no htm', { payload: { htm: undefined } }, proofFault.target],
  ['htm-other', 'htm is another method', { payload: { htm: 'POST' } }, proofFault.target],
  ['htm-lower-case', 'htm is in lower case, and methods are not', { payload: { htm: 'get' } }, proofFault.target],
  ['htu-missing', 'the proof has no htu', htu(undefined), proofFault.target],
  ['htu-number', 'htu is a number', htu(1), proofFault.target],
  ['htu-query', 'htu has a query, which is ignored', htu('https://api.example.com/orders?limit=1'), passes()],
  ['htu-fragment', 'htu has a fragment, which is ignored', htu('https://api.example.com/orders#top'), passes()],
  ['htu-upper-case', 'htu has scheme and host in upper case', htu('HTTPS://API.EXAMPLE.COM/orders'), passes()],
  ['htu-default-port', 'htu names the default port', htu('https://api.example.com:443/orders'), passes()],
  ['htu-dot-segments', 'htu has dot segments', htu('https://api.example.com/v1/.././orders'), passes()],
  ['htu-other-port', 'htu names another port', htu('https://api.example.com:8443/orders'), proofFault.target],
  ['htu-http', 'htu is http', htu('http://api.example.com/orders'), proofFault.target],
  ['htu-other-host', 'htu is of another host', htu('https://other.example.com/orders'), proofFault.target],
  ['htu-other-path', 'htu is another path', htu('https://api.example.com/invoices'), proofFault.target],
  ['htu-path-case', 'htu has the path in upper case', htu('https://api.example.com/ORDERS'), proofFault.target],
  ['htu-slash', 'htu has a slash at its end', htu('https://api.example.com/orders/'), proofFault.target],
  ['htu-double-slash', 'htu has two slashes', htu('https://api.example.com//orders'), proofFault.target],
  ['htu-encoded-slash', 'htu has an encoded slash', htu('https://api.example.com/%2forders'), proofFault.target],
  ['htu-origin', 'htu is the origin alone', htu('https://api.example.com'), proofFault.target],
  ['htu-path', 'htu is a path', htu('/orders'), proofFault.target],
  ['htu-empty', 'htu is empty', htu(''), proofFault.target],
  ['iat-missing', 'the proof has no iat', { payload: { iat: undefined } }, proofFault.iat],
  ['iat-text', 'iat of the proof is a text', { payload: { iat: String(now) } }, proofFault.iat],
  ['iat-null', 'iat of the proof is null', { payload: { iat: null } }, proofFault.iat],
  ['iat-fraction', 'iat of the proof has a fraction', { payload: { iat: now - 0.5 } }, passes()],
  ['iat-oldest', 'the proof is 60 seconds old', { payload: { iat: now - 60 } }, passes()],
  ['iat-too-old', 'the proof is 60.001 seconds old', { payload: { iat: now - 60.001 } }, proofFault.age],
  ['iat-latest', 'the proof is from 30 seconds in the future', { payload: { iat: now + 30 } }, passes()],
  [
    'iat-too-late',
    'the proof is from 30.001 seconds in the future',
    { payload: { iat: now + 30.001 } },
    proofFault.age,
  ],
  ['iat-zero', 'iat of the proof is 0', { payload: { iat: 0 } }, proofFault.age],
  [
    'exp-ignored',
    'the proof has an exp that is past, which RFC 9449 does not have',
    { payload: { exp: now - 10 } },
    passes(),
  ],
  ['nbf-latest', 'nbf of the proof is in 30 seconds', { payload: { nbf: now + 30 } }, passes()],
  ['nbf-too-late', 'nbf of the proof is in 30.001 seconds', { payload: { nbf: now + 30.001 } }, proofFault.nbf],
  ['nbf-text', 'nbf of the proof is a text', { payload: { nbf: String(now) } }, proofFault.nbf],
  ['ath-missing', 'the proof has no ath', { payload: { ath: undefined } }, proofFault.ath],
  ['ath-other', 'ath is of another token', { payload: { ath: hashOf(tokenOf()) } }, proofFault.ath],
  ['ath-padding', 'ath has padding', { payload: { ath: `${hashOf(token)}=` } }, proofFault.ath],
  [
    'ath-hex',
    'ath is in hexadecimal',
    { payload: { ath: Buffer.from(hashOf(token), 'base64url').toString('hex') } },
    proofFault.ath,
  ],
  ['ath-number', 'ath is a number', { payload: { ath: 1 } }, proofFault.ath],
  ['nonce-number', 'nonce is a number', { payload: { nonce: 1 } }, proofFault.nonce],
  ['nonce-unasked', 'the proof has a nonce that nobody asked for', { payload: { nonce: 'n' } }, passes()],
  [
    'nonce-good',
    'the proof has the nonce',
    { payload: { nonce: 'nonce-2' } },
    passes(),
    { guard: { dpop_nonce: 'nonce-2' } },
  ],
  ['nonce-missing', 'the proof lacks the nonce', {}, nonceRequired('nonce-2'), { guard: { dpop_nonce: 'nonce-2' } }],
  [
    'nonce-other',
    'the proof has an earlier nonce',
    { payload: { nonce: 'nonce-1' } },
    nonceRequired('nonce-2'),
    { guard: { dpop_nonce: 'nonce-2' } },
  ],
  ['payload-no-json', 'the payload of the proof is no JSON', { payload: '{' }, proofFault.malformed],
  ['payload-list', 'the payload of the proof is a list', { payload: '[]' }, proofFault.malformed],
  ['header-no-json', 'the header of the proof is no JSON', { header: '{' }, proofFault.malformed],
  [
    'too-long',
    'the proof has more than 8,192 characters',
    { payload: { padding: 'x'.repeat(6_000) } },
    proofFault.malformed,
  ],
  ['long', 'the proof has nearly 8,192 characters', { payload: { padding: 'x'.repeat(5_500) } }, passes()],
];

const kinds: readonly (readonly [name: string, title: string, key: TestKey, over: object])[] = [
  ['key-eddsa', 'the sender has an Ed25519 key', keys.senderEddsa, {}],
  ['key-ed25519', 'the sender has an Ed25519 key, and alg its newer name', keys.senderEddsa, { alg: 'Ed25519' }],
  ['key-rs256', 'the sender has an RSA key and signs with RS256', keys.rs256, {}],
  ['key-ps256', 'the sender has an RSA key and signs with PS256', keys.ps256, {}],
];

const proof = proofOf();

const requests: readonly (readonly [
  name: string,
  title: string,
  request: Partial<CaseRequest>,
  expect: Expectation,
  over?: Omit<Variant, 'expect'>,
])[] = [
  ['scheme-lower-case', 'the scheme DPoP is in lower case', sent([proof], token, 'dpop'), passes()],
  ['scheme-bearer', 'a bound token as a Bearer token, with a good proof', sent([proof], token, 'Bearer'), proofMissing],
  [
    'scheme-bearer-no-proof',
    'a bound token as a Bearer token, without a proof',
    sent([], token, 'Bearer'),
    proofMissing,
  ],
  ['proof-missing', 'there is no proof', sent([]), proofMissing],
  ['proof-empty', 'the proof is empty', sent(['']), proofFault.malformed],
  ['proof-twice', 'there are two headers with the same proof', sent([proof, proof]), proofFault.malformed],
  [
    'proof-other-first',
    'there are two proofs, and the second is good',
    sent([proofOf({ payload: { jti: 'other' } }), proof]),
    proofFault.malformed,
  ],
  ['proof-word', 'the proof is no JWT', sent(['proof']), proofFault.malformed],
  ['proof-padding', 'the signature of the proof has padding', sent([`${proof}==`]), proofFault.malformed],
  [
    'proof-unsigned',
    'the proof has no signature',
    sent([`${proof.split('.').slice(0, 2).join('.')}.`]),
    proofFault.malformed,
  ],
  ['proof-is-token', 'the proof is the token', sent([token]), proofFault.type],
  [
    'token-unbound',
    'the token is bound to no key, and the proof is good',
    sent([proofOf({ token: tokenOf() })], tokenOf()),
    proofMissing,
  ],
  [
    'token-unbound-bearer',
    'the token is bound to no key, and a proof is ignored',
    sent(['x'], tokenOf(), 'Bearer'),
    passes(),
  ],
  [
    'token-bound-to-certificate',
    'the token is bound to a certificate, and sent as a DPoP token',
    sent([proof], tokenOf({ payload: { cnf: { 'x5t#S256': thumbprintOf(keys.sender) } } })),
    proofMissing,
  ],
  [
    'token-expired',
    'the token has expired, and the proof is good',
    sent([proof], tokenOf({ payload: { exp: now - 10, cnf: { jkt: thumbprintOf(keys.sender) } } })),
    invalidToken('token_expired'),
  ],
  [
    'scope',
    'the token lacks the scope, and the proof is good',
    { ...sent([proof]), scope: 'orders:delete' },
    insufficientScope('orders:delete', 'orders:delete', 'DPoP'),
  ],
  [
    'path-query',
    'the request has a query, which htu need not have',
    { ...sent([proof]), path: '/orders?limit=1' },
    passes(),
  ],
  [
    'method',
    'the request has another method than the proof',
    { ...sent([proof]), method: 'DELETE' },
    proofFault.target,
  ],
  [
    'base-url-path',
    'the API is below a path, which htu has',
    sent([proofOf({ payload: { htu: 'https://api.example.com/v1/orders' } })]),
    passes(),
    { guard: { base_url: 'https://api.example.com/v1' } },
  ],
  [
    'base-url-path-missing',
    'the API is below a path, which htu lacks',
    sent([proof]),
    proofFault.target,
    { guard: { base_url: 'https://api.example.com/v1' } },
  ],
  [
    'base-url-other',
    'callers use another host than the audience',
    sent([proofOf({ payload: { htu: 'https://orders.example.com/orders' } })]),
    passes(),
    { guard: { base_url: 'https://orders.example.com' } },
  ],
  [
    'host-ignored',
    'the header Host agrees with htu, and is not trusted',
    {
      headers: [
        ...(sent([proofOf({ payload: { htu: 'https://other.example.com/orders' } })]).headers ?? []),
        ['Host', 'other.example.com'],
      ],
    },
    proofFault.target,
  ],
];

const twice = (name: string, title: string, steps: readonly RequestStep[], guard: Variant['guard'] = {}) =>
  manySteps(`dpop/${name}`, title, { guard }, steps);

const other = proofOf({ payload: { jti: 'proof-2' } });

const sequences: readonly GuardCase[] = [
  twice('replayed', 'the same proof is sent twice', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(now + 1, proofReplayed, token, sent([proof])),
  ]),
  twice('replayed-at-end', 'the same proof is sent again when it is nearly too old', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(now + 60, proofReplayed, token, sent([proof])),
  ]),
  twice('replayed-too-late', 'the same proof is sent again when it is too old', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(now + 61, proofFault.age, token, sent([proof])),
  ]),
  twice('replayed-from-future', 'a proof from the future is remembered for as long as it is valid', [
    requestStep(now, passes(), token, sent([proofOf({ payload: { iat: now + 30 } })])),
    requestStep(now + 90, proofReplayed, token, sent([proofOf({ payload: { iat: now + 30 } })])),
  ]),
  twice('other-jti', 'a second proof has a jti of its own', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(now + 1, passes(), token, sent([other])),
  ]),
  twice('same-jti', 'a second proof has the same jti and another iat', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(now + 1, proofReplayed, token, sent([proofOf({ payload: { iat: now + 1 } })])),
  ]),
  twice('same-jti-other-key', 'another sender uses the same jti', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(
      now + 1,
      passes(),
      token,
      sent([proofOf({ key: keys.senderEddsa, token: bound(keys.senderEddsa) })], bound(keys.senderEddsa)),
    ),
  ]),
  twice('refused-is-unused', 'a proof of a request that lacked the scope may be sent again', [
    requestStep(now, insufficientScope('orders:delete', 'orders:delete', 'DPoP'), token, {
      ...sent([proof]),
      scope: 'orders:delete',
    }),
    requestStep(now + 1, passes(), token, sent([proof])),
  ]),
  twice('replayed-other-method', 'a proof that was used is sent with another request', [
    requestStep(now, passes(), token, sent([proof])),
    requestStep(now + 1, proofFault.target, token, { ...sent([proof]), method: 'DELETE' }),
  ]),
  twice(
    'nonce-then-retry',
    'the caller learns the nonce and tries again',
    [
      requestStep(now, nonceRequired('nonce-1'), token, sent([proof])),
      requestStep(now + 1, passes(), token, sent([proofOf({ payload: { jti: 'proof-2', nonce: 'nonce-1' } })])),
    ],
    { dpop_nonce: 'nonce-1' },
  ),
];

const thumbprint = hashOf('a client certificate');
const certified = tokenOf({ payload: { cnf: { 'x5t#S256': thumbprint } } });

const certificates: readonly (readonly [
  name: string,
  title: string,
  thumbprint: string | undefined,
  expect: Expectation,
  token?: string,
])[] = [
  ['good', 'the request has the certificate', thumbprint, passes()],
  ['missing', 'the request has no certificate', undefined, invalidToken('certificate_missing')],
  ['other', 'the request has another certificate', hashOf('another certificate'), invalidToken('certificate_wrong')],
  ['empty', 'the thumbprint of the request is empty', '', invalidToken('certificate_wrong')],
  [
    'lower-case',
    'the thumbprint of the request is in lower case',
    thumbprint.toLowerCase(),
    invalidToken('certificate_wrong'),
  ],
  ['padding', 'the thumbprint of the request has padding', `${thumbprint}=`, invalidToken('certificate_wrong')],
  ['prefix', 'the thumbprint of the request is cut off', thumbprint.slice(0, 20), invalidToken('certificate_wrong')],
  ['unbound', 'the token is not bound, and the request has a certificate', thumbprint, passes(), tokenOf()],
  [
    'key-bound',
    'the token is bound to a key with the same thumbprint',
    thumbprint,
    proofMissing,
    tokenOf({ payload: { cnf: { jkt: thumbprint } } }),
  ],
  [
    'expired',
    'the token has expired, and the certificate is right',
    thumbprint,
    invalidToken('token_expired'),
    tokenOf({ payload: { exp: claims.iat, cnf: { 'x5t#S256': thumbprint } } }),
  ],
  [
    'scope',
    'the token lacks the scope, and the certificate is right',
    thumbprint,
    insufficientScope('orders:read', 'orders:read'),
    tokenOf({ payload: { scope: 'orders:write', cnf: { 'x5t#S256': thumbprint } } }),
  ],
];

export const senderCases: readonly GuardCase[] = [
  ...proofs.map(([name, title, over, expect, variant = {}]) =>
    oneRequest(`dpop/${name}`, title, { ...variant, token, request: sent([proofOf(over)]), expect }),
  ),
  ...kinds.map(([name, title, key, header]) =>
    oneRequest(`dpop/${name}`, title, {
      request: sent([proofOf({ key, header, token: bound(key) })], bound(key)),
      expect: passes(),
    }),
  ),
  ...requests.map(([name, title, request, expect, variant = {}]) =>
    oneRequest(`dpop/${name}`, title, { ...variant, request, expect }),
  ),
  ...sequences,
  ...certificates.map(([name, title, certificate_thumbprint, expect, text = certified]) =>
    oneRequest(`certificates/${name}`, title, {
      token: text,
      request: {
        headers: [['Authorization', `Bearer ${text}`]],
        ...(certificate_thumbprint !== undefined && { certificate_thumbprint }),
      },
      expect,
    }),
  ),
  oneRequest('dpop/proof-percent-encoded', 'a dot of the proof is percent-encoded', {
    request: sent([proof.replace('.', '%2E')]),
    expect: proofFault.malformed,
  }),
  oneRequest('dpop/proof-unused-bits', 'the last character of the proof has unused bits that are not zero', {
    request: sent([nonCanonical(proof)]),
    expect: proofFault.malformed,
  }),
];
