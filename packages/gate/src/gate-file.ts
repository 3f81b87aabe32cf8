/** The file that says what a gate lets pass: its JSON Schema, its defaults, and what a schema cannot check. RFC 9110 §5.1. */
import { BlockList, isIP } from 'node:net';
import { type AccessTokenTyp, accessTokenTyps } from '@postern/guard';
import { isConfidential, isScopeToken } from '@postern/protocol';
import { type Static, Type } from 'typebox';
import { RuleTable, rulePathPattern } from './rules/rule-table.ts';

const strict = { additionalProperties: false };

const RuleEntry = Type.Object(
  {
    path: Type.String({
      maxLength: 1_000,
      description:
        'Such as /invoices or /invoices/{id}; /files/** is /files and everything below. The most specific path decides.',
    }),
    methods: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Z-]{1,20}$' }), {
        minItems: 1,
        maxItems: 20,
        uniqueItems: true,
        description: 'Default: all that no other rule for the same path names. GET includes HEAD.',
      }),
    ),
    scopes: Type.Optional(
      Type.Array(Type.String({ maxLength: 100 }), {
        maxItems: 20,
        description: 'What the token must have, all of it. Empty: every valid token may pass.',
      }),
    ),
    public: Type.Optional(
      Type.Literal(true, { description: 'In place of scopes: everybody may pass, without a token.' }),
    ),
  },
  strict,
);

const ApiEntry = Type.Object(
  {
    audience: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'The `aud` of its tokens: its identifier as a resource.',
    }),
    origins: Type.Optional(
      Type.Array(Type.String({ maxLength: 300 }), {
        minItems: 1,
        maxItems: 100,
        description:
          'Scheme, host and port by which callers reach it, such as https://api.example.com. Default: the origin of the audience.',
      }),
    ),
    accept_typ: Type.Optional(
      Type.Array(Type.Enum([...accessTokenTyps]), {
        minItems: 1,
        uniqueItems: true,
        description:
          'The types of its tokens. Default: at+jwt. JWT is for an API whose resource has that access_token_typ.',
      }),
    ),
    rules: Type.Array(RuleEntry, { maxItems: 10_000, description: 'What no rule allows is refused.' }),
  },
  strict,
);

/** The schema of the file. */
export const GateFile = Type.Object(
  {
    issuer: Type.String({ maxLength: 500, description: 'The POSTERN_ISSUER of the authorization server.' }),
    listen: Type.Optional(
      Type.String({ maxLength: 100, description: 'Address and port for HTTP. Default: 127.0.0.1:9191.' }),
    ),
    grpc: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Address and port for ext_authz of Envoy by gRPC. Default: none, and gRPC is not served.',
      }),
    ),
    gateways: Type.Optional(
      Type.Array(Type.String({ maxLength: 100 }), {
        minItems: 1,
        maxItems: 100,
        description: 'Addresses and networks (CIDR) of the gateways, which alone may ask. Default: this machine.',
      }),
    ),
    client_certificate_header: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z][A-Za-z0-9-]{0,99}$',
        description:
          'The header in which the gateway forwards the certificate of the caller, and which it removes from requests of callers.',
      }),
    ),
    revocations: Type.Optional(
      Type.Object(
        {
          client_id: Type.String({ maxLength: 500, description: 'A client with the scope revocation:read.' }),
          client_secret_file: Type.String({ maxLength: 1_000, description: 'The file with its secret.' }),
          max_staleness_seconds: Type.Optional(
            Type.Integer({
              minimum: 2,
              maximum: 86_400,
              description: 'Seconds that the known revocations may lag behind. Default: 60.',
            }),
          ),
          when_stale: Type.Optional(
            Type.Enum(['closed', 'open'], {
              description: 'Whether requests are refused or pass if they lag behind further. Default: closed.',
            }),
          ),
        },
        { ...strict, description: 'Default: revoked tokens pass until they expire.' },
      ),
    ),
    dpop_nonces: Type.Optional(
      Type.Object(
        {
          key_file: Type.String({
            maxLength: 1_000,
            description:
              'The file with a random key of at least 32 characters. Gates with the same key accept the nonces of each other.',
          }),
        },
        { ...strict, description: 'DPoP proofs must have a recent nonce of the gate. Default: they need none.' },
      ),
    ),
    pass_on: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 100 }), {
        maxProperties: 30,
        description:
          'Headers for the API, each with the claim of the token that it carries. Default: X-Client-Id with client_id, X-Scope with scope.',
      }),
    ),
    apis: Type.Array(ApiEntry, { minItems: 1, maxItems: 100 }),
  },
  strict,
);

export type GateFile = Static<typeof GateFile>;

/** What is wrong with a file that matches the schema, and where. */
export interface GateFileFault {
  readonly path: readonly (string | number)[];
  /** Without a full stop at its end. */
  readonly text: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface GatedApi {
  readonly audience: string;
  readonly rules: RuleTable;
}

/** A host, with what is behind it. */
export interface GatedOrigin {
  /** As callers use it, without a slash at the end. */
  readonly origin: string;
  readonly api: GatedApi;
}

export interface GateConfig {
  readonly issuer: string;
  readonly listen: Address;
  readonly grpc: Address | undefined;
  readonly gateways: readonly string[];
  /** In lower case. */
  readonly certificateHeader: string | undefined;
  readonly revocations: GateFile['revocations'];
  readonly dpopNonces: GateFile['dpop_nonces'];
  readonly passOn: ReadonlyMap<string, string>;
  readonly audiences: ReadonlyMap<string, GatedAudience>;
  /** By host, in lower case and with its port if it is not that of the scheme. */
  readonly origins: ReadonlyMap<string, GatedOrigin>;
}

/** What the guard of an audience is created with. */
export interface GatedAudience {
  /** The origin of the first API that has the audience. */
  readonly baseUrl: string;
  readonly acceptTyp: readonly AccessTokenTyp[] | undefined;
}

const loopback = ['127.0.0.0/8', '::1'];

const defaultPassOn = { 'X-Client-Id': 'client_id', 'X-Scope': 'scope' };

/** Headers that mean something else to gateways, connections or APIs. */
const reservedHeaders =
  /^(?:host|authorization|dpop|dpop-nonce|cookie|connection|keep-alive|te|trailer|transfer-encoding|upgrade|date|server|location|via|forwarded|proxy-.*|content-.*|x-forwarded-.*|x-original-.*|x-rewrite-.*|www-authenticate|cache-control|retry-after|vary|etag|age|expect|range|accept.*|if-.*|access-control-.*|set-cookie)$/i;

/** Returns the configuration, or what is wrong with the file. */
export function readGateFile(file: GateFile): GateConfig | readonly GateFileFault[] {
  const faults: GateFileFault[] = [];
  const record = (path: GateFileFault['path'], text: string | undefined) => {
    if (text !== undefined) {
      faults.push({ path, text });
    }
  };
  record(['issuer'], isConfidential(file.issuer) ? undefined : 'must be an https URL, or an http URL of this machine');
  const readAddress = (name: 'listen' | 'grpc', text: string): Address => {
    const address = parseAddress(text);
    record(
      [name],
      address === undefined ? 'must be an address and a port, such as 127.0.0.1:9191 or [::1]:9191' : undefined,
    );
    return address ?? { host: '', port: 0 };
  };
  const listen = readAddress('listen', file.listen ?? '127.0.0.1:9191');
  const grpc = file.grpc === undefined ? undefined : readAddress('grpc', file.grpc);
  if (grpc !== undefined && grpc.port === listen.port && grpc.port !== 0 && grpc.host === listen.host) {
    record(['grpc'], 'must be another port than that of listen');
  }
  for (const [index, network] of (file.gateways ?? []).entries()) {
    record(
      ['gateways', index],
      isNetwork(network) ? undefined : 'must be an IP address or a network such as 10.0.0.0/8',
    );
  }
  const passOn = Object.entries(file.pass_on ?? defaultPassOn);
  const names = new Set<string>();
  for (const [name] of passOn) {
    record(['pass_on', name], findHeaderFault(name, names, file.client_certificate_header));
    names.add(name.toLowerCase());
  }
  const audiences = new Map<string, GatedAudience>();
  const origins = new Map<string, GatedOrigin>();
  for (const [index, entry] of file.apis.entries()) {
    const at = (...path: (string | number)[]) => ['apis', index, ...path];
    const api: GatedApi = { audience: entry.audience, rules: new RuleTable() };
    for (const [position, rule] of entry.rules.entries()) {
      for (const { path, text } of addRule(api.rules, rule)) {
        record(at('rules', position, ...path), text);
      }
    }
    const isUrl = /^https?:\/\//i.test(entry.audience);
    if (entry.origins === undefined && !isUrl) {
      record(at('audience'), 'is not an http or https URL, so origins is required');
      continue;
    }
    for (const [position, text] of (entry.origins ?? [entry.audience]).entries()) {
      const where = entry.origins === undefined ? at('audience') : at('origins', position);
      const url = parseOrigin(text, entry.origins === undefined);
      if (url === undefined) {
        record(where, 'must be scheme, host and port only, such as https://api.example.com');
      } else if (origins.has(url.host)) {
        record(where, `has the same host as another API or origin: ${url.host}`);
      } else {
        origins.set(url.host, { origin: url.origin, api });
        const known = audiences.get(entry.audience) ?? { baseUrl: url.origin, acceptTyp: entry.accept_typ };
        if (String(known.acceptTyp) !== String(entry.accept_typ)) {
          record(at('accept_typ'), 'must be the same for all APIs of one audience');
        }
        audiences.set(entry.audience, known);
      }
    }
  }
  return faults.length > 0
    ? faults
    : {
        issuer: file.issuer,
        listen,
        grpc,
        gateways: file.gateways ?? loopback,
        certificateHeader: file.client_certificate_header?.toLowerCase(),
        revocations: file.revocations,
        dpopNonces: file.dpop_nonces,
        passOn: new Map(passOn),
        audiences,
        origins,
      };
}

function addRule(
  table: RuleTable,
  { path, methods, scopes, public: isPublic }: Static<typeof RuleEntry>,
): GateFileFault[] {
  if (!rulePathPattern.test(path)) {
    const text =
      'must begin with / and consist of segments of ASCII letters, digits and -._~!$&()+,=:@, of {name} for a whole segment, ' +
      'and of ** as the last segment';
    return [{ path: ['path'], text }];
  }
  if ((scopes === undefined) === (isPublic === undefined)) {
    return [{ path: [], text: 'must have either scopes or public: true' }];
  }
  const invalid = scopes?.findIndex((name) => !isScopeToken(name)) ?? -1;
  if (invalid !== -1) {
    return [{ path: ['scopes', invalid], text: 'is not the name of a scope' }];
  }
  const text = table.add({ path, methods, needs: scopes ?? 'public' });
  return text === undefined ? [] : [{ path: ['path'], text }];
}

function findHeaderFault(
  name: string,
  others: ReadonlySet<string>,
  certificateHeader: string | undefined,
): string | undefined {
  const folded = name.toLowerCase();
  if (!/^[a-z][a-z0-9-]{0,99}$/.test(folded)) {
    return 'must be the name of a header, of letters, digits and -';
  }
  if (reservedHeaders.test(name) || folded === certificateHeader?.toLowerCase()) {
    return 'is a header with another meaning: choose another name';
  }
  return others.has(folded) ? 'appears twice, in another case' : undefined;
}

function parseAddress(text: string): Address | undefined {
  const [, six, four, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):(\d{1,5})$/.exec(text) ?? [];
  const host = six ?? four ?? '';
  return (host === 'localhost' || isIP(host) !== 0) && Number(port) <= 65_535
    ? { host, port: Number(port) }
    : undefined;
}

function isNetwork(text: string): boolean {
  const [address = '', prefix = '0', ...rest] = text.split('/');
  const family = isIP(address);
  try {
    new BlockList().addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
    return family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix);
  } catch {
    return false;
  }
}

function parseOrigin(text: string, isPathAllowed: boolean): URL | undefined {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  const isOrigin = url !== null && url.username === '' && url.password === '' && !url.host.endsWith('.');
  return isOrigin && (isPathAllowed || (url.pathname === '/' && !/[?#]/.test(text))) ? url : undefined;
}
