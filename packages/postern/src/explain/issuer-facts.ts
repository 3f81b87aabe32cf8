/** What a server tells everybody of its tokens: who it is, its keys, its clock. RFC 8414, RFC 7517. */
import { createPublicKey } from 'node:crypto';
import { signingAlgorithms, type VerificationKey } from '@postern/guard';
import { CommandError } from '../command/command-error.ts';
import { exitCodes } from '../command/exit-code.ts';
import { getPublic } from '../connection/public-document.ts';
import type { Issuer } from './check-token.ts';

/** Throws `CommandError` where the server does not answer as an authorization server does. */
export async function readIssuer(server: string): Promise<Issuer> {
  const [metadata, jwks] = await Promise.all([
    getPublic(server, '/.well-known/oauth-authorization-server'),
    getPublic(server, '/.well-known/jwks.json'),
  ]);
  const issuer = metadata.body?.['issuer'];
  const keys = jwks.body?.['keys'];
  if (typeof issuer !== 'string' || !Array.isArray(keys)) {
    const isDown = metadata.status >= 500 || jwks.status >= 500;
    throw new CommandError(
      isDown
        ? `${server} cannot serve now. Try again later.`
        : `${server} is no authorization server. Is it the right --server?`,
      { exitCode: isDown ? exitCodes.unreachable : exitCodes.failed },
    );
  }
  return { issuer, keys: keys.flatMap(readKey), nowSeconds: metadata.dateMs / 1000 };
}

/** Keys for other purposes, or of kinds that Postern does not sign with, are of no interest. */
function readKey(jwk: Readonly<Record<string, string>>): VerificationKey[] {
  const { kid } = jwk;
  const alg = signingAlgorithms.find((known) => known === jwk['alg']);
  return alg === undefined || kid === undefined
    ? []
    : [{ kid, alg, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }];
}
