import { randomBytes } from 'node:crypto';
import type { Attack } from '../attack.ts';
import type { Answer, Target } from '../target.ts';

const token = '/api/v1/oauth/token';
const endpoints = [token, '/api/v1/oauth/introspect', '/api/v1/oauth/revoke'];

const parameters = [
  ...['client_id', 'grant_type', 'scope', 'resource', 'audience', 'token', 'token_type_hint'],
  ...['client_assertion_type', 'client_assertion', 'subject_token', 'subject_token_type'],
  ...['requested_token_type', 'authorization_details'],
];

/** Texts in place of the form, by what was meant to be sent. */
const forms: Readonly<Record<string, (id: string, secret: string) => string>> = {
  'JSON as a form': (id, secret) =>
    JSON.stringify({ client_id: id, client_secret: secret, grant_type: 'client_credentials' }),
  semicolons: (id, secret) => `grant_type=client_credentials;client_id=${id};client_secret=${secret}`,
  commas: (id, secret) => `grant_type=client_credentials,client_id=${id},client_secret=${secret}`,
  'encoded twice': (id, secret) => encodeURIComponent(`client_id=${id}&client_secret=${secret}`),
  'line breaks': (id, secret) => `client_id=${id}\r\nclient_secret=${secret}`,
  colons: (id, secret) => `client_id: ${id}\nclient_secret: ${secret}`,
  'a name': (id, secret) => `grant_type=client_credentials&client_id=${id}&${secret}=client_secret`,
  'another name': (id, secret) => `grant_type=client_credentials&client_id=${id}&clientSecret=${secret}`,
  twice: (id, secret) => `client_id=${id}&client_secret=${secret}&client_secret=${secret}`,
  'in each parameter': (_, secret) => parameters.map((name) => `${name}=${secret}`).join('&'),
  'odd percents': (_, secret) => `client_secret=${secret}%ZZ&%${secret}`,
  'no UTF-8': (_, secret) =>
    Buffer.concat([Buffer.from(`client_secret=${secret}`), Buffer.from([0xff])]).toString('latin1'),
};

/** Headers of a request whose form has no credentials. */
const headers: Readonly<Record<string, (id: string, secret: string) => Record<string, string>>> = {
  'Basic without base64': (id, secret) => ({ authorization: `Basic ${id}:${secret}` }),
  'Basic in base64 twice': (id, secret) => ({ authorization: `Basic ${base64(base64(`${id}:${secret}`))}` }),
  Bearer: (_, secret) => ({ authorization: `Bearer ${secret}` }),
  'another scheme': (id, secret) => ({ authorization: `${secret} ${id}` }),
  'a proof': (_, secret) => ({ dpop: secret }),
  'a content type': (_, secret) => ({ 'content-type': secret }),
};

const grant = 'grant_type=client_credentials';

/** Mistakes that put a secret where none belongs. */
const mistakes: readonly [
  name: string,
  send: (target: Target, path: string, id: string, secret: string) => Promise<Answer>,
][] = [
  ...Object.entries(forms).map(([name, formOf]): (typeof mistakes)[number] => [
    name,
    (target, path, id, secret) => target.form(path, formOf(id, secret)),
  ]),
  ...Object.entries(headers).map(([name, headersOf]): (typeof mistakes)[number] => [
    name,
    (target, path, id, secret) => target.form(path, grant, { headers: headersOf(id, secret) }),
  ]),
  ...['grant_type', 'scope', 'resource', 'client_assertion_type', 'authorization_details'].map(
    (name): (typeof mistakes)[number] => [
      `as ${name}`,
      async (target, path, id, secret) =>
        target.form(path, { grant_type: 'client_credentials', client_id: id, client_secret: secret, [name]: secret }),
    ],
  ),
  ['JSON', (target, path, id, secret) => target.call('POST', path, { body: { client_id: id, client_secret: secret } })],
  [
    'JSON as text',
    (target, path, id, secret) =>
      target.call('POST', path, {
        body: JSON.stringify({ client_secret: secret, id }),
        headers: { 'content-type': 'text/plain' },
      }),
  ],
  ['the query', (target, path, id, secret) => target.form(`${path}?client_id=${id}&client_secret=${secret}`, grant)],
  ['a name in the query', (target, path, _, secret) => target.form(`${path}?${secret}`, grant)],
  ['the path', (target, path, _, secret) => target.form(`${path}/${secret}`, '')],
  ['the method', (target, path, _, secret) => target.call('PUT', `${path}/${secret}?${secret}`, {})],
];

const base64 = (text: string) => Buffer.from(text).toString('base64');

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
