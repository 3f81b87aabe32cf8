/** Why a server could not be reached, and what to do about it. */
import { CommandError } from '../command/command-error.ts';

/** Explains what `fetch` threw; an error that is already for people stays as it is. */
export function explainNetworkFault(server: string, error: unknown): unknown {
  if (error instanceof CommandError) {
    return error;
  }
  const code = findCode(error);
  const words = code === undefined ? undefined : describeCode(code);
  if (words === undefined && !(error instanceof TypeError)) {
    return error;
  }
  return new CommandError(`cannot reach ${server}: ${words ?? code ?? innermostMessage(error as Error)}`, {
    exit: 'unreachable',
    cause: error,
  });
}

function innermostMessage({ message, cause }: Error): string {
  return cause instanceof Error ? innermostMessage(cause) : message;
}

/** Returns the first code of an error, of its causes, or of the attempts that it aggregates. */
function findCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  if (error.name === 'TimeoutError') {
    return error.name;
  }
  const { code } = error as NodeJS.ErrnoException;
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return typeof code === 'string' ? code : findCode(inner);
}

function describeCode(code: string): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing is listening there. Is the server running, and are host and port right?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host is unknown. Is the name right, and does DNS work?';
    case 'TimeoutError':
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'it did not answer in time. Is a firewall in the way?';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
    case 'EPIPE':
      return 'the connection was closed. Does it speak https while the URL says http, or the reverse?';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'that network is unreachable from this machine.';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'it does not speak TLS. Should the URL say http?';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired. Renew it.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its certificate is for another name. Use the name in the certificate.';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'its certificate is from an authority that this machine does not trust. Set POSTERN_CA_FILE to its PEM file.';
    default:
      return undefined;
  }
}
