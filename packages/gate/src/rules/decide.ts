/** Decides what a request needs to pass, by its host, method, path and headers. Knows neither tokens nor connections. RFC 9110 §7.2 and §9. */
import { OAuthError } from '@postern/protocol';
import type { GateConfig } from '../gate-file.ts';
import { readingsOf } from './path-readings.ts';
import type { Requirement } from './rule-table.ts';

/** A request of a caller, as a gateway describes it. */
export interface GatewayRequest {
  readonly method: string;
  /** As the caller sent it, with its port if it named one. */
  readonly host: string;
  /** The request target as the caller sent it, with its query. */
  readonly target: string;
  /** By name in lower case. Values of repeated headers are joined with commas. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface RequiredOf extends Requirement {
  readonly origin: string;
  readonly audience: string;
}

/** Headers by which some APIs take another path or method for that of the request. */
const overridingHeaders: ReadonlySet<string> = new Set([
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]);

/** Some APIs take `post` for POST, so a method must be in upper case, as all that are registered. RFC 9110 §16.1. */
const methodPattern = /^[A-Z-]{1,20}$/;

/**
 * Returns what the request needs. Throws `access_denied` if it may not pass, whoever sends it. `passedOn`: the names of the headers
 * for the API, in lower case.
 *
 * Does not check the body: an API must not take the method from a form.
 */
export function requirementOf(
  { method, host, target, headers }: GatewayRequest,
  origins: GateConfig['origins'],
  passedOn: ReadonlySet<string>,
): RequiredOf {
  const found = findOrigin(origins, host);
  if (found === undefined) {
    throw denied('The gate has no rules for this host.', 'gate_rule_missing');
  }
  const readings = readingsOf(target);
  if (readings === undefined) {
    throw denied('The path of this request can be read in several ways.', 'path_ambiguous');
  }
  const requirement = methodPattern.test(method) ? found.api.rules.find(method, readings) : undefined;
  if (requirement === undefined) {
    throw denied('No rule of the gate allows this method and path.', 'gate_rule_missing');
  }
  if (method === 'POST' && namesMethod(target)) {
    throw denied('Callers must not send the parameter _method.', 'path_ambiguous');
  }
  const header = findForbiddenHeader(headers, passedOn);
  if (header !== undefined) {
    throw denied(`Callers must not send the header ${header}.`, 'header_not_allowed');
  }
  return { ...requirement, origin: found.origin, audience: found.api.audience };
}

function denied(text: string, reason: 'gate_rule_missing' | 'path_ambiguous' | 'header_not_allowed'): OAuthError {
  return new OAuthError('access_denied', text, { reason });
}

/** Some APIs take a parameter of the query for the method of a POST; PHP reads `.` in its name as `_`, and ignores spaces before it. */
function namesMethod(target: string): boolean {
  const start = target.indexOf('?');
  const names = start === -1 ? [] : new URLSearchParams(target.slice(start)).keys();
  return [...names].some((name) => /^ *[_.]method$/i.test(name));
}

/** `host` may have the port of the scheme, which is the same host. */
function findOrigin(origins: GateConfig['origins'], host: string) {
  const name = host.toLowerCase();
  const found = origins.get(name);
  if (found !== undefined) {
    return found;
  }
  const [, bare = '', port] = /^([^:]+|\[.+\]):(80|443)$/.exec(name) ?? [];
  const other = origins.get(bare);
  return other?.origin.startsWith('https:') === (port === '443') ? other : undefined;
}

/**
 * A gateway replaces headers by their exact names. APIs on CGI or WSGI take `X_Client_Id` for `X-Client-Id`, and a header that
 * `Connection` names is removed on the way.
 */
function findForbiddenHeader(headers: ReadonlyMap<string, string>, passedOn: ReadonlySet<string>): string | undefined {
  for (const name of headers.keys()) {
    const hyphened = name.includes('_') ? name.replaceAll('_', '-') : name;
    if (overridingHeaders.has(hyphened) || (hyphened !== name && passedOn.has(hyphened))) {
      return name;
    }
  }
  const connection = headers.get('connection');
  if (connection !== undefined && connection.length > 'keep-alive'.length) {
    const named = connection.split(',').map((name) => name.trim().toLowerCase().replaceAll('_', '-'));
    return named.some((name) => passedOn.has(name)) ? 'connection' : undefined;
  }
  return undefined;
}
