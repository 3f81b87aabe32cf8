import type { Attack } from '../attack.ts';

/** Texts that databases, parsers and terminals have trouble with, as they stand in a URL. */
const odd = [
  '%00',
  'a%00b',
  '%FF',
  '%ED%A0%80',
  '%C0%80',
  '%F0%9F%98%80',
  '%E2%80%AE',
  '%0A',
  '%0d%0aX:%20y',
  '%25',
  "'%22%3B--",
  '..%2f..',
  '%7F',
  '9'.repeat(30),
  '-1',
  '1e309',
  'NaN',
  '__proto__',
  '%EF%BF%BF',
  '%5C',
];

/** The same as JSON writes it. */
const oddText = [
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udc00x',
  '\uffff',
  '😀',
  '\u202e',
  '\r\n',
  '__proto__',
  '9'.repeat(400),
];
const oddValues = [null, true, -1, 1e308, 2 ** 53, [], {}, [[]], [null], { __proto__: null, a: '\u0000' }];

export const attack: Attack = {
  name: 'odd bytes break a route',
  tries:
    'Every route of the OpenAPI description with odd bytes in each parameter of path and query and each member of the body.',
  env: { POSTERN_REGISTRATION: 'initial_access_token' },
  async run(target, findings) {
    const { paths } = (await target.call('GET', '/openapi.json')).body;
    const token = await target.rootToken();
    let sent = 0;
    const look = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      sent += 1;
      const { status, text } = await target.call(method, path, { token, body, headers });
      const isFault = status >= 500 || (status === 0 && !/[^\x21-\x7e]/.test(path));
      if (isFault) {
        findings.check(
          `${method} ${path.slice(0, 120)}`,
          false,
          `${status} ${text.slice(0, 200)} for ${JSON.stringify(body)?.slice(0, 200)}`,
        );
      }
    };
    for (const [template, operations] of Object.entries<Record<string, Operation>>(paths)) {
      for (const [name, { parameters = [], requestBody }] of Object.entries(operations)) {
        const method = name.toUpperCase();
        const path = (value: string) => template.replaceAll(/\{[^}]+\}/g, value);
        for (const text of odd) {
          if (template.includes('{')) {
            await look(method, path(text));
          }
          for (const parameter of parameters.filter((one) => one.in === 'query' && one.name !== 'wait')) {
            await look(method, `${path('x')}?${parameter.name}=${text}`);
          }
        }
        for (const [type, { schema = {} }] of Object.entries(requestBody?.content ?? {})) {
          const members = Object.keys(schema.properties ?? schema.items?.properties ?? {});
          for (const member of members) {
            if (type === 'application/json') {
              for (const value of [
                ...oddText,
                ...oddText.map((text) => [text]),
                ...oddText.map((text) => ({ [text]: text })),
                ...oddValues,
              ]) {
                const element = { ...schema.examples?.[0], [member]: value };
                await look(method, path('x'), schema.items === undefined ? element : [element]);
              }
            } else {
              for (const text of odd) {
                await look(method, path('x'), `grant_type=client_credentials&${member}=${text}`, {
                  'content-type': type,
                });
              }
            }
          }
        }
      }
    }
    findings.measured(`${sent} calls`);
    const alive = await target.requestToken(target.root);
    findings.check('the server still serves', alive.status === 200, alive.text);
  },
};

interface Schema {
  readonly properties?: object;
  readonly items?: Schema;
  readonly examples?: readonly object[];
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}
