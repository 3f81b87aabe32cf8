/** Checks what every caller of a deployment can see: health, issuer, keys, clock, TLS and proxies. */

import { isLoopback } from '@postern/protocol';
import { CommandError } from '../command/command-error.ts';
import { getPublic, type PublicDocument } from '../connection/public-document.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { checkCertificate } from './tls-check.ts';

/** Returns that finding alone if the server cannot be reached. */
export async function checkFromOutside(server: string): Promise<Finding[]> {
  let health: PublicDocument;
  const sentAtMs = Date.now();
  try {
    health = await getPublic(server, '/health');
  } catch (error) {
    if (!(error instanceof CommandError)) {
      throw error;
    }
    return [fail('reachable', capitalize(error.message), 'Nothing else can be checked before.')];
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
    ...checkHistory(ready),
    await checkIssuer(server, metadata),
    checkKeys(jwks),
    checkClock(health, sentAtMs, Date.now()),
    await checkTransport(server),
    checkAuthorizationArrives(probe),
    ...checkForwardedHeaders(ready),
    ...checkMetrics(server, metrics),
  ];
}

function checkHealth(server: string, { status, body }: PublicDocument): Finding {
  return status === 200 && body?.['status'] === 'ok'
    ? ok('reachable', `${server} answers.`)
    : fail(
        'reachable',
        `${server} answers with status ${status}, which is not an answer of Postern.`,
        'Is it the right address? A proxy must forward all paths.',
      );
}

function checkReady({ status, body }: PublicDocument): Finding {
  const { status: state, detail, lag_seconds, writable } = body ?? {};
  const look = 'See the log of the server, and check the database in DATABASE_URL.';
  if (status !== 200) {
    return fail(
      'database',
      `The server is not ready: ${typeof detail === 'string' ? detail : `status ${status}.`}`,
      look,
    );
  }
  if (writable === false) {
    return fail('database', `The server cannot change anything: ${detail}`, look);
  }
  return state === 'ok'
    ? ok('database', 'The database answers and takes changes.')
    : warn(
        'database',
        `The database has been unreachable for ${lag_seconds} s; the server continues with cached data.`,
        look,
      );
}

/** Only says something if the database has lost changes. */
function checkHistory({ body }: PublicDocument): Finding[] {
  const lostAt = body?.['history_lost_at'];
  return typeof lostAt === 'string'
    ? [
        warn(
          'history',
          `The database has lost changes, as was found at ${lostAt}: it was restored from a backup, or a replica that was behind ` +
            'has taken over. What was revoked, disabled or deleted in the lost changes is valid again.',
          'Repeat these changes, or revoke all tokens: postern revoke-all-tokens',
        ),
      ]
    : [];
}

/** RFC 8414 §3.3: the issuer URL must lead to the same server. */
async function checkIssuer(server: string, { body }: PublicDocument): Promise<Finding> {
  const issuer = body?.['issuer'];
  if (typeof issuer !== 'string') {
    return fail(
      'issuer',
      'There is no metadata at /.well-known/oauth-authorization-server.',
      'A proxy must forward that path.',
    );
  }
  if (issuer === server) {
    return ok('issuer', `The issuer is ${issuer}, the address of the server.`);
  }
  const same = await getPublic(issuer, '/.well-known/oauth-authorization-server').catch(() => undefined);
  return same?.body?.['issuer'] === issuer
    ? ok('issuer', `The issuer is ${issuer}, where the same server answers.`)
    : fail(
        'issuer',
        `The issuer is ${issuer}, where no server with this issuer answers; ${server} was called.`,
        'Set POSTERN_ISSUER to the address by which clients and APIs reach it.',
      );
}

function checkKeys({ body }: PublicDocument): Finding {
  const keys = body?.['keys'];
  return Array.isArray(keys) && keys.length > 0
    ? ok('keys', `${keys.length} public ${keys.length === 1 ? 'key' : 'keys'} for APIs to verify tokens with.`)
    : fail('keys', 'There are no public keys at /.well-known/jwks.json.', 'A proxy must forward that path.');
}

/** Seconds by which `Date` may differ because of rounding and transfer. */
const clockNoiseSeconds = 2;
const worstClockSeconds = 30;

/** `Date` is precise to the second, and was set between request and answer. RFC 9110 §6.6.1. */
function checkClock({ dateMs, headers }: PublicDocument, sentAtMs: number, answeredAtMs: number): Finding {
  if (!headers.has('date')) {
    return warn('clock', 'The answer has no Date header.', 'A proxy should forward it.');
  }
  const ahead = Math.max(0, dateMs - answeredAtMs) / 1000;
  const behind = Math.max(0, sentAtMs - dateMs - 1000) / 1000;
  const off = Math.round(Math.max(ahead, behind));
  const text = `The clock of the server is ${off} s ${ahead > 0 ? 'ahead of' : 'behind'} the local one.`;
  const next = 'Synchronize both by NTP: if clocks differ, tokens seem expired or not valid yet.';
  if (off <= clockNoiseSeconds) {
    return ok('clock', 'The clock of the server agrees with the local one.');
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
        'The server uses plain http, which is only safe on this machine.',
        'Before other machines call it, use a proxy with TLS or POSTERN_TLS_CERT_FILE, and an https POSTERN_ISSUER.',
      )
    : fail(
        'tls',
        'The server uses plain http: secrets and tokens can be read in transit.',
        'Use a proxy with TLS, or set POSTERN_TLS_CERT_FILE.',
      );
}

/** A challenge names an error only if a token arrived. RFC 6750 §3.1. */
function checkAuthorizationArrives({ status, headers }: PublicDocument): Finding {
  const challenge = headers.get('www-authenticate') ?? '';
  if (status === 401 && challenge.includes('error="invalid_token"')) {
    return ok('proxy', 'Authorization and WWW-Authenticate headers are forwarded.');
  }
  return fail(
    'proxy',
    status === 401 && challenge !== ''
      ? 'The Authorization header does not reach the server.'
      : 'The challenge for a rejected token does not reach the caller.',
    'A proxy must forward Authorization and WWW-Authenticate unchanged.',
  );
}

/** The server says of the request itself whether it came through a proxy that is not trusted. */
function checkForwardedHeaders({ body }: PublicDocument): Finding[] {
  return body?.['forwarded_headers_ignored'] === true
    ? [
        fail(
          'proxies',
          'A proxy forwards the requests, but POSTERN_TRUSTED_PROXIES does not name it: to the server, all callers have ' +
            'the address of the proxy, and share its limits.',
          'Set POSTERN_TRUSTED_PROXIES to the address of the proxy; the log of the server names it as the peer.',
        ),
      ]
    : [];
}

function checkMetrics(server: string, { status }: PublicDocument): Finding[] {
  return status === 200 && !isLoopback(new URL(server).hostname)
    ? [
        warn(
          'metrics',
          'Every caller of the server can read /metrics.',
          'Use a separate port by POSTERN_METRICS_PORT, or block that path in the proxy.',
        ),
      ]
    : [];
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
