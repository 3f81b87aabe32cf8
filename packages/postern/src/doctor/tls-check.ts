/** The certificate of a server, as a client sees it. RFC 9325. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { type Finding, fail, ok, warn } from './finding.ts';

const soonDays = 14;
const timeoutMs = 10_000;

/** Whether the certificate is trusted was seen before, when the server was reached over it. */
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
      `No TLS connection comes about: ${(error as Error).message}.`,
      'Look at the certificate and key of the server.',
    );
  } finally {
    socket.destroy();
  }
}

/** Of a certificate that ends at `validToMs`, in milliseconds since 1970. */
export function describeExpiry(validToMs: number, nowMs: number, protocol: string): Finding {
  const days = Math.floor((validToMs - nowMs) / 86_400_000);
  const renew = 'Renew it, and see that it is renewed by itself.';
  if (days < 0) {
    return fail('tls', 'The certificate has expired.', renew);
  }
  return days < soonDays
    ? warn('tls', `The certificate expires in ${days} days.`, renew)
    : ok('tls', `${protocol}; the certificate is good for ${days} days.`);
}

/** Names are told to the server in the handshake; addresses must not be. */
function isAddress(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host);
}
