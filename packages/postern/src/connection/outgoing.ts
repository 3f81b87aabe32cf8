/**
 * How requests leave this machine: through which proxy (RFC 9110 §9.3.6), and which certificate authorities they trust in
 * addition to those of Node. For the whole process, so that fetches, uploads, traces and the database agree.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { usageError } from '../command/command-error.ts';

/** What is never asked through a proxy: this machine. */
const direct = ['localhost', '127.0.0.1', '[::1]', '::1'];

/**
 * Reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in capitals or not, and POSTERN_CA_FILE. Writes to `env` what they mean, so that
 * all who read them find the same. Throws `CommandError` for an invalid value, which it does not repeat.
 */
export async function useOutgoingSettings(env: NodeJS.ProcessEnv): Promise<void> {
  const proxies = ['HTTPS_PROXY', 'HTTP_PROXY'].filter((name) => useProxyOf(name, env));
  // It is no variable of ours, and often names a kind of proxy that is not supported.
  delete env['ALL_PROXY'];
  delete env['all_proxy'];
  if (proxies.length > 0) {
    setBoth(env, 'NO_PROXY', [read(env, 'NO_PROXY'), ...direct].filter((entry) => entry !== undefined).join(','));
    const { default: http } = await import('node:http');
    if (http.setGlobalProxyFromEnv === undefined) {
      throw usageError(`${proxies[0]}: needs Node 24.14 or later; this is ${process.versions.node}`);
    }
    http.setGlobalProxyFromEnv(env);
  }
  const file = env['POSTERN_CA_FILE']?.trim();
  if (file) {
    await trustAuthorities(file);
  }
}

/** Whether the variable names a proxy, whose URL it then has in full. */
function useProxyOf(name: string, env: NodeJS.ProcessEnv): boolean {
  const text = read(env, name);
  if (text === undefined) {
    return false;
  }
  const full = text.includes('://') ? text : `http://${text}`;
  if (!/^https?:$/.test(URL.parse(full)?.protocol ?? '')) {
    throw usageError(
      `${name}: is not the http or https URL of a proxy. Example: ${name}=http://proxy.example.com:3128`,
    );
  }
  setBoth(env, name, full);
  return true;
}

/** The spelling in small letters comes first, as curl has it. An empty variable counts as not set. */
function read(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name.toLowerCase()]?.trim() || env[name]?.trim() || undefined;
}

function setBoth(env: NodeJS.ProcessEnv, name: string, value: string): void {
  env[name] = value;
  env[name.toLowerCase()] = value;
}

async function trustAuthorities(file: string): Promise<void> {
  const name = 'POSTERN_CA_FILE';
  const example = `Example: ${name}=/etc/ssl/corporate-ca.pem`;
  const pem = await readFile(file, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    throw usageError(`${name}: cannot read ${file} (${code}). ${example}`);
  });
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0 || !certificates.every(isCertificate)) {
    throw usageError(`${name}: ${file} holds no certificate in PEM, or a damaged one. ${example}`);
  }
  const { getCACertificates, setDefaultCACertificates } = await import('node:tls');
  if (setDefaultCACertificates === undefined) {
    throw usageError(`${name}: needs Node 24.5 or later; this is ${process.versions.node}`);
  }
  setDefaultCACertificates([...getCACertificates('default'), ...certificates]);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}
