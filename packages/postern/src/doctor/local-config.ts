/** Checks the configuration on this machine: whether it is valid, and fit for production. */
import { isLoopback } from '@postern/protocol';
import {
  describeDatabase,
  findCertificateExpiries,
  findMisnamedVariables,
  parsePostgresUrl,
  readConfig,
  type ServerConfig,
  StartError,
} from '@postern/server';
import type { Environment } from '../connection/profile.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { checkDatabaseContent } from './local-database.ts';
import { checkFiles } from './local-files.ts';
import { describeExpiry, describeRevocationList } from './tls-check.ts';
import { checkLifetime } from './token-checks.ts';

/** Returns all findings about the variables in `env` and the files that they name. */
export async function checkLocally(env: Environment, nowMs: number): Promise<Finding[]> {
  let config: ServerConfig;
  try {
    config = readConfig(env);
  } catch (error) {
    if (!(error instanceof StartError)) {
      throw error;
    }
    return [
      fail('configuration', error.message, 'The server does not start before this is fixed.'),
      ...checkNames(env),
    ];
  }
  return [
    ok('configuration', 'All variables are valid.'),
    ...checkNames(env),
    checkIssuerUrl(config),
    checkProxies(config),
    checkRoot(env, config),
    checkMasterKey(env, config),
    checkDatabase(config),
    checkLifetime(config.accessTokenTtlSeconds),
    checkRotation(config),
    ...checkCertificateFiles(config, nowMs),
    ...checkRevocationLists(config, nowMs),
    ...checkNode(env),
    ...checkFiles(config),
    await checkDatabaseContent(config),
  ];
}

function checkIssuerUrl({ issuer, host, allowHttp }: ServerConfig): Finding {
  if (issuer.startsWith('https:')) {
    return ok('issuer', `The issuer is ${issuer}.`);
  }
  if (allowHttp && !isLoopback(new URL(issuer).hostname)) {
    return warn(
      'issuer',
      `The issuer is ${issuer}, and POSTERN_ALLOW_HTTP says that the network encrypts every connection.`,
      'If it does not, secrets and tokens can be read on the way: set POSTERN_ISSUER to an https address.',
    );
  }
  const isOpen = !isLoopback(host) && host !== '::1';
  const next = 'Set POSTERN_ISSUER to the https address by which clients and APIs reach it.';
  const text = `The issuer is ${issuer}, which only this machine can reach`;
  return isOpen
    ? fail('issuer', `${text}, and the server listens for others on ${host}.`, next)
    : warn('issuer', `${text}.`, next);
}

/** If Postern is https for callers and http here, a proxy ends TLS, and all calls seem to come from it. */
function checkProxies({ issuer, tls, trustedProxies }: ServerConfig): Finding {
  const everybody = trustedProxies.find((network) => /\/[0-7]$/.test(network));
  if (everybody !== undefined) {
    return fail(
      'proxies',
      `POSTERN_TRUSTED_PROXIES has ${everybody}: every caller can pretend to have another address.`,
      'Name only the addresses of your proxies.',
    );
  }
  if (issuer.startsWith('https:') && tls === undefined && trustedProxies.length === 0) {
    return fail(
      'proxies',
      'The issuer is https and Postern serves http, so there is a proxy that POSTERN_TRUSTED_PROXIES does not name. ' +
        'All calls seem to come from the proxy, so that limits for one caller apply to all together.',
      'Set POSTERN_TRUSTED_PROXIES to the address of the proxy.',
    );
  }
  return ok(
    'proxies',
    trustedProxies.length === 0
      ? 'No proxy is trusted.'
      : `Forwarded headers are trusted from ${trustedProxies.join(', ')}.`,
  );
}

function checkRoot(env: Environment, { rootDisabled }: ServerConfig): Finding {
  if (rootDisabled) {
    return ok('root', 'The root client is switched off.');
  }
  return env['OAUTH_ROOT_CLIENT_SECRET']?.trim()
    ? warn(
        'root',
        'The secret of the root client is in the environment, which child processes, crash reports and container tools can see.',
        'Move it to a file and set OAUTH_ROOT_CLIENT_SECRET_FILE, or switch root off: OAUTH_ROOT_DISABLED=true',
      )
    : ok('root', 'The secret of the root client is in a file. Switch root off after set-up: OAUTH_ROOT_DISABLED=true');
}

function checkMasterKey(env: Environment, { masterKey, dataDir }: ServerConfig): Finding {
  if (env['POSTERN_MASTER_KEY']?.trim()) {
    return warn(
      'master key',
      'The master key is in the environment, which child processes, crash reports and container tools can see.',
      'Move it to a file and set POSTERN_MASTER_KEY_FILE.',
    );
  }
  return masterKey === undefined
    ? warn(
        'master key',
        `The master key is in ${dataDir}, beside the database that it protects: a copy of the directory has both.`,
        'Keep it elsewhere, as a secret of your platform, and set POSTERN_MASTER_KEY_FILE. Back it up separately.',
      )
    : ok('master key', 'The master key is in a separate file.');
}

function checkDatabase({ database, workers }: ServerConfig): Finding {
  if (database.kind === 'sqlite') {
    return ok('database', `SQLite, for ${workers === 1 ? 'one process' : `${workers} processes`} on this machine.`);
  }
  const { servers } = parsePostgresUrl(database.url, (fault) => new Error(fault));
  const unverified = servers
    .flatMap(({ ways }) => ways)
    .find(({ host = '', ssl }) => !isLocal(host) && !isVerified(ssl));
  const name = describeDatabase(database);
  return unverified === undefined
    ? ok('database', `${name}.`)
    : warn('database', `${name}, whose certificate is not verified.`, 'Add sslmode=verify-full to DATABASE_URL.');
}

/** An address of this machine or a socket. */
function isLocal(host: string): boolean {
  return isLoopback(host) || host === '::1' || host.startsWith('/');
}

function isVerified(ssl: unknown): boolean {
  return typeof ssl === 'object' && ssl !== null && !('rejectUnauthorized' in ssl && ssl.rejectUnauthorized === false);
}

function checkNames(env: Environment): Finding[] {
  return findMisnamedVariables(env).map(({ name, meant }) =>
    warn('configuration', `${name} is not a variable of Postern, which ignores it.`, `Did you mean ${meant}?`),
  );
}

function checkRotation({ keyRotationDays }: ServerConfig): Finding {
  return keyRotationDays === 0
    ? warn(
        'key rotation',
        'Signing keys are not rotated automatically.',
        'Set POSTERN_KEY_ROTATION_DAYS, or schedule: postern key rotate',
      )
    : ok('key rotation', `Signing keys are rotated every ${keyRotationDays} days.`);
}

function checkCertificateFiles({ ca, tls }: ServerConfig, nowMs: number): Finding[] {
  return findCertificateExpiries(ca, tls).map(({ variable, expiresAt }) => describeExpiry(expiresAt, nowMs, variable));
}

function checkRevocationLists({ tls }: ServerConfig, nowMs: number): Finding[] {
  return (tls?.clientCrl?.lists ?? []).map((list) => describeRevocationList(list, nowMs));
}

function checkNode(env: Environment): Finding[] {
  return env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0'
    ? [
        fail(
          'certificates',
          'NODE_TLS_REJECT_UNAUTHORIZED is 0: no certificate is verified, not even when keys of issuers are fetched.',
          'Remove it; trust your own certificate authority by POSTERN_CA_FILE.',
        ),
      ]
    : [];
}
