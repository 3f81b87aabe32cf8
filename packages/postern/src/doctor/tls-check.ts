/** Checks the certificate of a server as a client sees it. RFC 9325. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { certificateWarningMs } from '@postern/protocol/api-limits';
import { type Finding, fail, ok, warn } from './finding.ts';

const timeoutMs = 10_000;

/** Does not report whether the certificate is trusted: the server was reached through it before. */
export async function checkCertificate(host: string, port: number): Promise<Finding> {
  const name = host.replace(/^\[|\]$/g, '');
  const socket: TLSSocket = connect({ host: name, port, ...(isAddress(name) ? {} : { servername: name }) });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    const protocol = socket.getProtocol() ?? 'TLS';
    return describeExpiry(Date.parse(socket.getPeerCertificate().valid_to), Date.now(), protocol);
  } catch (error) {
    return fail(
      'tls',
      `The TLS handshake failed: ${(error as Error).message}.`,
      'Check the certificate and key of the server.',
    );
  } finally {
    socket.destroy();
  }
}

/** Describes a certificate that expires at `validToMs`, in milliseconds since 1970. `what` has it: a connection or a file. */
export function describeExpiry(validToMs: number, nowMs: number, what: string): Finding {
  const days = Math.floor((validToMs - nowMs) / 86_400_000);
  const renew = 'Renew it, and automate its renewal.';
  if (days < 0) {
    return fail('tls', `The certificate has expired: ${what}.`, renew);
  }
  return validToMs - nowMs < certificateWarningMs
    ? warn('tls', `The certificate expires in ${days} days: ${what}.`, renew)
    : ok('tls', `${what}; the certificate is valid for ${days} days.`);
}

/** Of the time for which a list is valid, the part that is left when it should have been replaced by the next one. */
const leastPartLeft = 1 / 4;

/** When a revocation list was issued and expires, in milliseconds since 1970. RFC 5280 §5.1.2.4 and §5.1.2.5. */
interface ListTimes {
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
}

export function describeRevocationList({ issuedAt, expiresAt }: ListTimes, nowMs: number): Finding {
  const about = 'revocation list';
  const list = `A list in POSTERN_TLS_CLIENT_CRL_FILE is ${inHours(nowMs - issuedAt)} old`;
  const next = 'Fetch the present list, and automate that.';
  if (expiresAt === undefined) {
    return ok(about, `${list}, and does not say when it expires.`);
  }
  const leftMs = expiresAt - nowMs;
  if (leftMs < 0) {
    return fail(about, `${list} and has expired: no certificate of its authority is accepted.`, next);
  }
  const text = `${list} and expires in ${inHours(leftMs)}.`;
  return leftMs < leastPartLeft * (expiresAt - issuedAt) ? warn(about, text, next) : ok(about, text);
}

function inHours(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  return hours === 1 ? '1 hour' : `${hours} hours`;
}

/** The handshake names hosts (SNI), but not addresses. */
function isAddress(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host);
}
