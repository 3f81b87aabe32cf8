import { randomBytes } from 'node:crypto';
import type { Attack } from '../attack.ts';
import type { Answer, Target } from '../target.ts';

const token = '/api/v1/oauth/token';
const endpoints = [token, '/api/v1/oauth/introspect', '/api/v1/oauth/revoke'];

/** Mistakes that put a secret where none belongs, by what was meant to be sent. */
const mistakes: readonly [
  name: string,
  send: (target: Target, path: string, id: string, secret: string) => Promise<Answer>,
][] = [
  [
    'JSON as a form',
    (target, path, id, secret) =>
      target.form(path, JSON.stringify({ client_id: id, client_secret: secret, grant_type: 'client_credentials' })),
  ],
  ['JSON', (target, path, id, secret) => target.call('POST', path, { body: { client_id: id, client_secret: secret } })],
  [
    'JSON as text',
    (target, path, id, secret) =>
      target.call('POST', path, {
        body: JSON.stringify({ client_secret: secret, id }),
        headers: { 'content-type': 'text/plain' },
      }),
  ],
  [
    'semicolons',
    (target, path, id, secret) =>
      target.form(path, `grant_type=client_credentials;client_id=${id};client_secret=${secret}`),
  ],
  [
    'commas',
    (target, path, id, secret) =>
      target.form(path, `grant_type=client_credentials,client_id=${id},client_secret=${secret}`),
  ],
  [
    'encoded twice',
    (target, path, id, secret) => target.form(path, encodeURIComponent(`client_id=${id}&client_secret=${secret}`)),
  ],
  ['line breaks', (target, path, id, secret) => target.form(path, `client_id=${id}\r\nclient_secret=${secret}`)],
  ['colons', (target, path, id, secret) => target.form(path, `client_id: ${id}\nclient_secret: ${secret}`)],
  [
    'a name',
    (target, path, id, secret) =>
      target.form(path, `grant_type=client_credentials&client_id=${id}&${secret}=client_secret`),
  ],
  [
    'another name',
    (target, path, id, secret) =>
      target.form(path, `grant_type=client_credentials&client_id=${id}&clientSecret=${secret}`),
  ],
  [
    'twice',
    (target, path, id, secret) => target.form(path, `client_id=${id}&client_secret=${secret}&client_secret=${secret}`),
  ],
  [
    'in each parameter',
    (target, path, _, secret) =>
      target.form(
        path,
        [
          'client_id',
          'grant_type',
          'scope',
          'resource',
          'audience',
          'token',
          'token_type_hint',
          'client_assertion_type',
          'client_assertion',
          'subject_token',
          'subject_token_type',
          'requested_token_type',
          'authorization_details',
        ]
          .map((name) => `${name}=${secret}`)
          .join('&'),
      ),
  ],
  ...['grant_type', 'scope', 'resource', 'client_assertion_type', 'authorization_details'].map(
    (name): (typeof mistakes)[number] => [
      `as ${name}`,
      async (target, path, id, secret) =>
        target.form(path, { grant_type: 'client_credentials', client_id: id, client_secret: secret, [name]: secret }),
    ],
  ),
  ['Basic without base64', (target, path, id, secret) => basic(target, path, `Basic ${id}:${secret}`)],
  [
    'Basic in base64 twice',
    (target, path, id, secret) => basic(target, path, `Basic ${base64(base64(`${id}:${secret}`))}`),
  ],
  ['Bearer', (target, path, _, secret) => basic(target, path, `Bearer ${secret}`)],
  ['another scheme', (target, path, id, secret) => basic(target, path, `${secret} ${id}`)],
  [
    'the query',
    (target, path, id, secret) =>
      target.form(`${path}?client_id=${id}&client_secret=${secret}`, 'grant_type=client_credentials'),
  ],
  [
    'a name in the query',
    (target, path, _, secret) => target.form(`${path}?${secret}`, 'grant_type=client_credentials'),
  ],
  ['the path', (target, path, _, secret) => target.form(`${path}/${secret}`, '')],
  ['the method', (target, path, _, secret) => target.call('PUT', `${path}/${secret}?${secret}`, {})],
  [
    'a proof',
    (target, path, _, secret) => target.form(path, 'grant_type=client_credentials', { headers: { dpop: secret } }),
  ],
  ['a content type', (target, path, _, secret) => target.form(path, 'x', { headers: { 'content-type': secret } })],
  ['odd percents', (target, path, _, secret) => target.form(path, `client_secret=${secret}%ZZ&%${secret}`)],
  [
    'no UTF-8',
    (target, path, _, secret) =>
      target.form(
        path,
        Buffer.concat([Buffer.from(`client_secret=${secret}`), Buffer.from([0xff])]).toString('latin1'),
      ),
  ],
];

const base64 = (text: string) => Buffer.from(text).toString('base64');
const basic = (target: Target, path: string, authorization: string) =>
  target.form(path, 'grant_type=client_credentials', { headers: { authorization } });

/** The same of the management and registration endpoints. */
const administrativeMistakes: readonly [
  name: string,
  method: string,
  path: (secret: string) => string,
  body?: (secret: string) => unknown,
][] = [
  ['the id of a client', 'GET', (secret) => `/api/v1/oauth/client/${secret}`],
  ['the id of a secret', 'DELETE', (secret) => `/api/v1/oauth/client/x/secret/${secret}`],
  ['a registration', 'GET', (secret) => `/api/v1/oauth/register/${secret}`],
  ['no route', 'GET', (secret) => `/${secret}`],
  ['no route below another', 'POST', (secret) => `/api/v1/oauth/${secret}/x`],
  ['the console', 'GET', (secret) => `/console/${secret}`],
  ['a member of a client', 'POST', () => '/api/v1/oauth/client', (secret) => ({ [secret]: 1 })],
  ['the scopes of a client', 'POST', () => '/api/v1/oauth/client', (secret) => ({ scopes: [secret] })],
  ['a method', 'POST', () => '/api/v1/oauth/client', (secret) => ({ token_endpoint_auth_method: secret })],
  [
    'a member of a registration',
    'POST',
    () => '/api/v1/oauth/register',
    (secret) => ({ client_name: { [secret]: secret } }),
  ],
];

export const attack: Attack = {
  name: 'a secret in the wrong place is repeated',
  tries: 'Marked secrets in every wrong place, then a look into each answer, the log, the metrics and the audit trail.',
  async run(target, findings) {
    const sent = new Map<string, string>();
    const { clientId } = await target.createClient({ scopes: ['policy:read'] });
    for (const path of endpoints) {
      for (const [name, send] of mistakes) {
        await look(`${name} at ${path}`, (secret) => send(target, path, clientId, secret));
      }
    }
    const rootToken = await target.rootToken();
    for (const [name, method, path, body] of administrativeMistakes) {
      // A stranger may send anything; an administrator is told which of its own values is wrong.
      await look(`${name}, by a stranger`, (secret) => target.call(method, path(secret), { body: body?.(secret) }));
      await look(`${name}, as the token`, (secret) =>
        target.call(method, path('x'), { token: secret, body: body?.('x') }),
      );
      await target.call(method, path('x'), { token: rootToken, body: body?.('x') });
    }
    const log = await target.readLog();
    for (const line of log.split('\n').filter((one) => one.includes(mark))) {
      const name = [...sent].find(([secret]) => line.includes(secret))?.[1];
      findings.check(`${name}: not in the log`, false, line.slice(0, 400));
    }
    const metrics = await target.call('GET', '/metrics');
    const { text: events } = await target.asRoot('GET', '/api/v1/oauth/events?order=desc&size=1000');
    for (const [where, text] of [
      ['log', log],
      ['metrics', metrics.text],
      ['audit trail', events],
    ] as const) {
      findings.check(`no secret in the ${where}`, !text.includes(mark), contextOf(text));
    }

    async function look(name: string, send: (secret: string) => Promise<Answer>): Promise<void> {
      const secret = `${mark}${randomBytes(24).toString('hex')}`;
      const { status, text, headers } = await send(secret);
      findings.check(`${name}: not in the answer`, !`${text}${JSON.stringify(headers)}`.includes(mark), text);
      findings.check(`${name}: no fault of the server`, status < 500, `${status} ${text}`);
      sent.set(secret, name);
    }
  },
};

/** Begins as a real secret does. */
const mark = 'posternMARK';

function contextOf(text: string): string {
  const at = text.indexOf(mark);
  return text.slice(Math.max(0, at - 150), at + 50);
}
