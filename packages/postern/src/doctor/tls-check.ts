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

/** The handshake names hosts (SNI), but not addresses. */
function isAddress(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host);
}
