/** What the variables of the environment may hold. A parser throws what `invalid` makes of the fault. */

import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';
import { findKeyWeakness, findSecretWeakness } from '@postern/protocol/node';
import { findRoleRulesFault, type RoleRule } from '../claims/role-rules.ts';
import { parsePostgresUrl } from '../postgres-url.ts';
import type { StartError } from '../start-error.ts';

/** `invalid` takes a right value, if the one of the variable would not help. */
export type VariableParser<T> = (text: string, invalid: (fault: string, example?: string) => StartError) => T;

export function wholeNumber(least: number, most: number): VariableParser<number> {
  return (text, invalid) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw invalid(`"${text}" is not a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): VariableParser<T> {
  return (text, invalid) => {
    const choice = choices.find((known) => known === text);
    if (choice === undefined) {
      throw invalid(`"${text}" is not one of ${choices.join(', ')}`);
    }
    return choice;
  };
}

export const parseFlag: VariableParser<boolean> = (text, invalid) => oneOf('true', 'false')(text, invalid) === 'true';

/** Text that matches the pattern. */
export function matching(pattern: RegExp, fault: string): VariableParser<string> {
  return (text, invalid) => {
    if (!pattern.test(text)) {
      throw invalid(fault);
    }
    return text;
  };
}

/** A secret that nobody can guess, in characters that need no encoding. The error does not repeat it. */
export function secretMatching(pattern: RegExp, fault: string): VariableParser<string> {
  return (text, invalid) => {
    if (!pattern.test(text)) {
      throw invalid(fault);
    }
    const weakness = findSecretWeakness(text);
    if (weakness !== undefined) {
      throw invalid(weakness);
    }
    return text;
  };
}

export const parsePath: VariableParser<string> = (text) => resolve(text);

export const parseHost: VariableParser<string> = (text, invalid) => {
  if (isIP(text) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) {
    throw invalid(`"${text}" is not an address or host name`);
  }
  return text;
};

/** Host names and addresses, separated by commas, in lower case; `*.` at the start of one stands for names below it. */
export const parseHostPatterns: VariableParser<readonly string[]> = (text, invalid) =>
  text.split(',').flatMap((entry) => {
    const pattern = entry.trim().toLowerCase();
    if (pattern !== '') {
      parseHost(pattern.replace(/^\*\./, ''), () => invalid(`"${pattern}" is not a host name, or *. and a host name`));
    }
    return pattern || [];
  });

/** As browsers write the header Origin. Plain http needs more than this: see `config.ts`. */
export const parseOrigins: VariableParser<readonly string[]> = (text, invalid) => {
  const origins = text.split(',').flatMap((entry) => entry.trim() || []);
  for (const origin of origins) {
    const url = URL.parse(origin);
    if (url === null || !/^https?:$/.test(url.protocol) || url.host.includes('*')) {
      throw invalid(`"${origin}" is not the origin of a web page, such as https://app.example.com`);
    }
    if (url.origin !== origin) {
      throw invalid(`"${origin}" must be written as browsers send it, which is ${url.origin}`);
    }
  }
  if (origins.length === 0) {
    throw invalid('has no origin');
  }
  return origins;
};

/** RFC 8414 §2: an https URL without query and fragment. Plain http needs more than this: see `config.ts`. */
export const parseIssuer: VariableParser<string> = (text, invalid) => {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalid(`"${text}" is not an https URL`);
  }
  if (text.includes('?') || text.includes('#') || url.username !== '' || url.password !== '') {
    throw invalid(`"${text}" must have no query, fragment or user`);
  }
  // The path becomes part of other paths, some of them in other programs, in which other characters have a meaning.
  if (!/^\/[A-Za-z0-9._~/-]*$/.test(url.pathname)) {
    throw invalid(`"${text}" must have only letters, digits and . _ ~ - / in its path`);
  }
  if (text.endsWith('/') || (url.pathname === '/' ? url.origin : url.href) !== text) {
    throw invalid(`"${text}" must be written in its plain form, in lower case and without a slash at the end`);
  }
  return text;
};

export type DatabaseAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** The URL may hold a password, so it must not be logged or shown. */
  | { readonly kind: 'postgres'; readonly url: string };

export const postgresExample = 'postgres://postern:secret@db.example.com/postern?sslmode=verify-full';

/** No error repeats the text, which may hold a password. */
export const parseDatabaseUrl: VariableParser<DatabaseAddress> = (text, invalid) => {
  if (/^postgres(ql)?:/.test(text)) {
    parsePostgresUrl(text, (fault) => invalid(fault, postgresExample));
    return { kind: 'postgres', url: text };
  }
  const path = /^sqlite:(?:\/\/(?=\/))?(?<path>[^?#]+)$/.exec(text)?.groups?.['path'];
  if (path === undefined || path.startsWith('//')) {
    throw invalid('must be sqlite: and a path, or a postgres: URL');
  }
  return { kind: 'sqlite', path: resolve(path) };
};

/** 32 random bytes in base64 or base64url. The error does not repeat the text. */
export const parseMasterKey: VariableParser<Buffer> = (text, invalid) => {
  const key = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (key.length !== 32) {
    throw invalid('is not 32 bytes in base64');
  }
  const weakness = findKeyWeakness(key);
  if (weakness !== undefined) {
    throw invalid(weakness);
  }
  return key;
};

export const parseNetworks: VariableParser<readonly string[]> = (text, invalid) => {
  const networks = text.split(',').flatMap((entry) => entry.trim() || []);
  const fault = networks.find((network) => !isNetwork(network));
  if (fault !== undefined) {
    throw invalid(`"${fault}" is not an address or CIDR`);
  }
  return networks;
};

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
    return false;
  }
  try {
    new BlockList().addSubnet(address, Number(prefix ?? 32), version === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}

/** The name of a header, in lower case. */
export const parseHeaderName: VariableParser<string> = (text, invalid) => {
  if (!/^[A-Za-z0-9-]{1,100}$/.test(text)) {
    throw invalid(`"${text}" is not the name of a header`);
  }
  return text.toLowerCase();
};

/** An http or https URL, without the slash at its end. */
export const parseBaseUrl: VariableParser<string> = (text, invalid) => {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalid('is not an http or https URL');
  }
  return text.replace(/\/$/, '');
};

/** Rules that give people roles, as a JSON array. See `sign-in/role-rules.ts`. */
export const parseRoleRules: VariableParser<readonly RoleRule[]> = (text, invalid) => {
  let rules: unknown;
  try {
    rules = JSON.parse(text);
  } catch {
    throw invalid('is not JSON');
  }
  const fault = findRoleRulesFault(rules);
  if (fault !== undefined) {
    throw invalid(fault);
  }
  return rules as readonly RoleRule[];
};
