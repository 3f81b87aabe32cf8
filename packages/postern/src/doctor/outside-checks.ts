/** What a deployment shows to everybody who can reach it: health, identity, keys, clock, and what stands in front. */
import { CommandError } from '../command/command-error.ts';
import { getPublic, type PublicDocument } from '../connection/public-document.ts';
import { isLoopback } from '../connection/server-url.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { checkCertificate } from './tls-check.ts';

/** Everything else is of no use where the server is out of reach, so that is then all that is said. */
export async function checkFromOutside(server: string): Promise<Finding[]> {
  let health: PublicDocument;
  const sentAtMs = Date.now();
  try {
    health = await getPublic(server, '/health');
  } catch (error) {
    if (!(error instanceof CommandError)) {
      throw error;
    }
    return [fail('reachable', capitalize(error.message), 'Nothing else can be checked before that.')];
  }
  const reached = checkHealth(server, health);
  if (reached.severity === 'fail') {
    return [reached];
  }
  const [ready, metadata, jwks, probe, metrics] = await Promise.all([
    getPublic(server, '/health/ready'),
    getPublic(server, '/.well-known/oauth-authorization-server'),
    getPublic(server, '/.well-known/jwks.json'),
    getPublic(server, '/api/v1/oauth/scope', { authorization: 'Bearer not-a-token' }),
    getPublic(server, '/metrics'),
  ]);
  return [
    reached,
    checkReady(ready),
    await checkIssuer(server, metadata),
    checkKeys(jwks),
    checkClock(health, sentAtMs, Date.now()),
    await checkTransport(server),
    checkAuthorizationArrives(probe),
    ...checkMetrics(server, metrics),
  ];
}

function checkHealth(server: string, { status, body }: PublicDocument): Finding {
  return status === 200 && body?.['status'] === 'ok'
    ? ok('reachable', `${server} answers.`)
    : fail(
        'reachable',
        `${server} answers with status ${status} and not as Postern does.`,
        'Is it the right address? A proxy in front must pass all paths on.',
      );
}

function checkReady({ status, body }: PublicDocument): Finding {
  const { status: state, detail, lag_seconds } = body ?? {};
  const look = 'Look at the log of the server, and at the database in DATABASE_URL.';
  if (status !== 200) {
    return fail(
      'database',
      `The server is not ready: ${typeof detail === 'string' ? detail : `status ${status}.`}`,
      look,
    );
  }
  return state === 'ok'
    ? ok('database', 'The database answers.')
    : warn(
        'database',
        `The database has been out of reach for ${lag_seconds} s; the server goes on with what it knows.`,
        look,
      );
}

/** RFC 8414 §3.3: who finds the server by its issuer must find the same server. */
async function checkIssuer(server: string, { body }: PublicDocument): Promise<Finding> {
  const issuer = body?.['issuer'];
  if (typeof issuer !== 'string') {
    return fail(
      'issuer',
      'There is no metadata at /.well-known/oauth-authorization-server.',
      'A proxy in front must pass that path on.',
    );
  }
  if (issuer === server) {
    return ok('issuer', `The issuer is ${issuer}, the address that was called.`);
  }
  const same = await getPublic(issuer, '/.well-known/oauth-authorization-server').catch(() => undefined);
  return same?.body?.['issuer'] === issuer
    ? ok('issuer', `The issuer is ${issuer}, where the same server answers.`)
    : fail(
        'issuer',
        `The issuer is ${issuer}, and no such server answers there; ${server} was called.`,
        'Set POSTERN_ISSUER to the address by which clients and APIs reach it.',
      );
}

function checkKeys({ body }: PublicDocument): Finding {
  const keys = body?.['keys'];
  return Array.isArray(keys) && keys.length > 0
    ? ok('keys', `${keys.length} public ${keys.length === 1 ? 'key' : 'keys'} for APIs to verify tokens with.`)
    : fail('keys', 'There are no public keys at /.well-known/jwks.json.', 'A proxy in front must pass that path on.');
}

/** Seconds that `Date` is off by rounding, and more. */
const clockNoiseSeconds = 2;
const worstClockSeconds = 30;

/** The header tells the second; the truth lies between sending and answer. RFC 9110 §6.6.1. */
function checkClock({ dateMs, headers }: PublicDocument, sentAtMs: number, answeredAtMs: number): Finding {
  if (!headers.has('date')) {
    return warn(
      'clock',
      'The server does not say what time it is.',
      'A proxy in front should pass the Date header on.',
    );
  }
  const ahead = Math.max(0, dateMs - answeredAtMs) / 1000;
  const behind = Math.max(0, sentAtMs - dateMs - 1000) / 1000;
  const off = Math.round(Math.max(ahead, behind));
  const text = `Its clock is ${off} s ${ahead > 0 ? 'ahead of' : 'behind'} the one here.`;
  const next = 'Let both follow time servers (NTP): tokens seem expired, or not valid yet, where clocks differ.';
  if (off <= clockNoiseSeconds) {
    return ok('clock', 'Its clock agrees with the one here.');
  }
  return off > worstClockSeconds ? fail('clock', text, next) : warn('clock', text, next);
}

async function checkTransport(server: string): Promise<Finding> {
  const { protocol, hostname, port } = new URL(server);
  if (protocol === 'https:') {
    return checkCertificate(hostname, port === '' ? 443 : Number(port));
  }
  return isLoopback(hostname)
    ? warn(
        'tls',
        'Plain http, which is for this machine only.',
        'For others: a proxy with TLS in front, or POSTERN_TLS_CERT_FILE; and an https POSTERN_ISSUER.',
      )
    : fail(
        'tls',
        'Plain http: secrets and tokens can be read on the way.',
        'Put TLS in front, or set POSTERN_TLS_CERT_FILE.',
      );
}

/** A challenge names an error only for a token that arrived. RFC 6750 §3.1. */
function checkAuthorizationArrives({ status, headers }: PublicDocument): Finding {
  const challenge = headers.get('www-authenticate') ?? '';
  if (status === 401 && challenge.includes('error="invalid_token"')) {
    return ok('proxy', 'Authorization headers arrive, and challenges come back.');
  }
  return fail(
    'proxy',
    status === 401 && challenge !== ''
      ? 'The Authorization header does not arrive.'
      : 'The challenge of a refused token does not come back.',
    'A proxy in front must pass Authorization and WWW-Authenticate on as they are.',
  );
}

function checkMetrics(server: string, { status }: PublicDocument): Finding[] {
  return status === 200 && !isLoopback(new URL(server).hostname)
    ? [
        warn(
          'metrics',
          'Everybody who can call the server can read /metrics.',
          'Give them a port of their own by POSTERN_METRICS_PORT, or let the proxy refuse that path.',
        ),
      ]
    : [];
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
