/** The JSON Schema of the catalogue of guard cases. docs/guard-cases.md. */

import { signingAlgorithms } from '../packages/guard/src/index.ts';
import { errorDefinitions, operatorLines } from '../packages/protocol/src/error-table.ts';

const text = { type: 'string' };

function object(properties: object, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** null means that there is none. */
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });

const textMap = { type: 'object', additionalProperties: text };

const at = { type: 'number', description: 'The time of the step by every clock, in seconds since 1970.' };

const guard = object(
  {
    issuer: text,
    audience: text,
    base_url: { ...text, description: 'The URL before the path. Without it, the origin of the audience.' },
    allow_http: { type: 'boolean', description: 'Whether plain http to another machine is allowed; false without it.' },
    algorithms: { type: 'array', items: { enum: signingAlgorithms } },
    accept_typ: {
      type: 'array',
      items: { enum: ['at+jwt', 'JWT'] },
      description: 'The accepted types of tokens. Without it, at+jwt only.',
    },
    clock_skew_seconds: { type: 'number', description: 'By how much clocks may differ.' },
    dpop_nonce: {
      ...text,
      description: 'The only valid nonce of DPoP proofs. Without it, they need none.',
    },
    revocations: {
      ...object({ max_staleness_seconds: { type: 'number' }, when_stale: { enum: ['closed', 'open'] } }),
      description: 'Without it, the guard does not follow revocations.',
    },
  },
  ['base_url', 'allow_http', 'accept_typ', 'dpop_nonce', 'revocations'],
);

const request = object(
  {
    method: text,
    path: { ...text, description: 'Path and query, as the API receives them.' },
    headers: {
      type: 'array',
      items: { type: 'array', prefixItems: [text, text], minItems: 2, maxItems: 2 },
      description: 'Names and values, each character of which is one byte. A name may be repeated.',
    },
    body: text,
    certificate_thumbprint: { ...text, description: 'x5t#S256 of the client certificate; without it, there is none.' },
    scope: { ...text, description: 'The required scopes, separated by spaces.' },
  },
  ['body', 'certificate_thumbprint'],
);

const expectation = object({
  status: { enum: [200, 400, 401, 403, 429, 503], description: '200 if the request passes.' },
  error: orNull({ enum: Object.keys(errorDefinitions) }),
  reason: orNull({ enum: Object.keys(operatorLines), description: 'For the log of the operator.' }),
  challenge: orNull(object({ scheme: { enum: ['Bearer', 'DPoP'] }, parameters: textMap })),
  headers: { ...textMap, description: 'The other headers of the answer.' },
  token: orNull(
    object({ client_id: text, subject: text, jti: text, scopes: { type: 'array', items: text, uniqueItems: true } }),
  ),
});

export const guardCaseSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Cases that every guard of an API decides alike',
  ...object({
    $schema: text,
    cases: {
      type: 'array',
      items: object({
        id: { ...text, pattern: '^[a-z]+/[A-Za-z0-9_-]+$' },
        title: text,
        guard,
        metadata: { description: 'The metadata of the issuer; null if they cannot be fetched.' },
        jwks: { description: 'The document at jwks_uri; null if it cannot be fetched.' },
        feed_jwks: { description: 'The document at revocation_feed_jwks_uri; null if it cannot be fetched.' },
        steps: {
          type: 'array',
          minItems: 1,
          items: {
            oneOf: [
              object({
                at,
                feed: {
                  ...object({
                    status: { type: 'integer' },
                    signature: {
                      type: ['string', 'null'],
                      description: 'The header Revocations-Signature; null if the answer has none.',
                    },
                    body: { type: 'string', description: 'The text of the body, which the signature is over.' },
                  }),
                  description: 'The next answer of the revocation feed.',
                },
              }),
              object({ at, request, expect: expectation }),
            ],
          },
        },
      }),
    },
  }),
};
