/** What the session may see of a token's standing, and what the server says to the token itself. */
import { ApiError, createApi, withQuery } from '../api/api.ts';
import type { AuditPage, Client } from '../api/contract.ts';
import { fetchKeys, fetchMetadata } from '../api/metadata.ts';
import type { ReadToken } from '../session/access-token.ts';
import type { Session } from '../session/sign-in.ts';
import type { Evidence } from './inspect.ts';
import { verifySignature } from './verify-signature.ts';

/** Throws `ApiError` where the server cannot be asked. */
export async function gatherEvidence(text: string, token: ReadToken, session: Session): Promise<Evidence> {
  const [{ issuer }, { keys }] = await Promise.all([fetchMetadata(), fetchKeys()]);
  const [signature, accepted, client, revokedAt, ended] = await Promise.all([
    verifySignature(token, keys),
    tryToken(text, token, issuer),
    findClient(token, session),
    findRevocation(token, session),
    findEnd(token, session),
  ]);
  return {
    issuer,
    now: Date.now() / 1000,
    signature,
    // Root is a client like others, but nobody can read it. A token that is accepted has its client.
    client: client === null && accepted === true ? undefined : client,
    revokedAt,
    ended,
    accepted,
  };
}

/** Undefined for a token that the server's own APIs do not take from here: for another audience, or bound. */
async function tryToken(text: string, { claims }: ReadToken, issuer: string): Promise<boolean | undefined> {
  if (![claims['aud']].flat().includes(issuer) || claims['cnf'] !== undefined) {
    return undefined;
  }
  try {
    await createApi(text.trim(), () => {}).get('oauth/scope');
    return true;
  } catch (error) {
    return error instanceof ApiError && error.status !== 403 ? (error.status === 401 ? false : undefined) : true;
  }
}

async function findClient({ claims }: ReadToken, { api, may }: Session): Promise<Evidence['client']> {
  if (!may('client:read') || typeof claims['client_id'] !== 'string') {
    return undefined;
  }
  try {
    return await api.get<Client>(`oauth/client/${encodeURIComponent(claims['client_id'])}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return null;
    }
    throw error;
  }
}

async function findRevocation({ claims }: ReadToken, session: Session): Promise<string | null | undefined> {
  const events = await findEvents('token.revoked', claims['jti'], session);
  return events === undefined ? undefined : (events.items[0]?.occurred_at ?? null);
}

/** Each end of all tokens of a client raises the generation that its tokens must have. */
async function findEnd({ claims }: ReadToken, session: Session): Promise<Evidence['ended']> {
  const events = await findEvents('client.', claims['client_id'], session);
  if (events === undefined) {
    return undefined;
  }
  for (const { kind, data, occurred_at: at } of events.items) {
    const { generation } = (data['status'] ?? {}) as { readonly generation?: number };
    if (generation !== undefined && generation > Number(claims['gen'])) {
      if (kind === 'client.revoked') {
        return { by: 'revocation', at };
      }
      if (data['enabled'] === false) {
        return { by: 'disabling', at };
      }
    }
  }
  return null;
}

/** The newest of a kind about `subject`, or of all kinds that begin so; undefined where the session may not see it. */
async function findEvents(kind: string, subject: unknown, { api, may }: Session): Promise<AuditPage | undefined> {
  return may('audit:read') && typeof subject === 'string'
    ? api.get<AuditPage>(withQuery('oauth/events', { kind, subject, order: 'desc', size: 100 }))
    : undefined;
}
