/** Signs JWTs with the server's keys, as compact JWS: those of one turn of the event loop together. RFC 7515 §7.1. */
import { sign } from 'node:crypto';
import { type AccessTokenTyp, RecentMap } from '@postern/guard';
import { digestOf, keyInput } from '@postern/guard/node';
import type { feedSignatureType, setType } from '@postern/protocol';
import type { SigningKey } from '../keys/signing-key.ts';
import { createTurn } from '../turn.ts';

/**
 * The kinds of JWT that Postern signs. Each has its own type, so that none can stand in for another (RFC 8725 §3.11): `JWT` is an
 * access token too, and nothing else that Postern signs has it.
 */
export type JwtType =
  | AccessTokenTyp
  | 'token-introspection+jwt'
  | typeof setType
  | typeof feedSignatureType
  | typeof idJagTyp;

/** draft-ietf-oauth-identity-assertion-authz-grant-04 §3.1. */
export const idJagTyp = 'oauth-id-jag+jwt';

const takeTurn = createTurn();

/** `payload` is the JSON text of the claims. */
export async function signJwt(
  typ: JwtType,
  payload: string,
  key: Pick<SigningKey, 'alg' | 'kid' | 'privateKey'>,
): Promise<string> {
  const signingInput = `${headerOf(typ, key)}.${encode(payload)}`;
  const bytes = Buffer.from(signingInput, 'latin1');
  const signature = await takeTurn(() => sign(digestOf(key.alg), bytes, keyInput(key.alg, key.privateKey)));
  return `${signingInput}.${signature.toString('base64url')}`;
}

/** Encoded headers, of which each is that of all JWTs of a type that a key signs. */
const headers = new RecentMap<string>(100);

function headerOf(typ: JwtType, { alg, kid }: Pick<SigningKey, 'alg' | 'kid'>): string {
  const name = `${typ} ${alg} ${kid}`;
  const known = headers.find(name);
  const header = known ?? encode(JSON.stringify({ typ, alg, kid }));
  if (known === undefined) {
    headers.add(name, header);
  }
  return header;
}

function encode(json: string): string {
  return Buffer.from(json).toString('base64url');
}
