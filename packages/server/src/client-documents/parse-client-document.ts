/** Judges client ID metadata documents, as they were fetched. draft-ietf-oauth-client-id-metadata-document-03 §4 and §5, RFC 7591 §2. */
import { PublicKeyFault } from '@postern/guard';
import { jwkThumbprint, requirePublicKey } from '@postern/guard/node';
import { visibleText } from '@postern/http-api';
import { type Static, type TObject, Type } from 'typebox';
import { Compile } from 'typebox/schema';
import type { PublishedKey } from '../jwt/published-keys.ts';

/** What a document, or the key set that it names, is rejected for: a predicate that completes "the document". */
export class DocumentFault extends Error {
  override readonly name = 'DocumentFault';
}

/** What administrators see of a document. */
export interface ClientDocument {
  readonly clientName: string | null;
  readonly clientUri: string | null;
  readonly contacts: readonly string[];
  readonly jwksUri: string | null;
  /** Thumbprints of its keys, in order. RFC 7638. */
  readonly keys: readonly string[];
}

/** Its members that are read. What else it has is ignored: an administrator decides what the client may do. RFC 7591 §2. */
const members = {
  client_id: Type.String(),
  client_name: Type.Optional(visibleText(200)),
  client_uri: Type.Optional(Type.String({ maxLength: 2_000, pattern: '^https://[\\x21-\\x7e]+$' })),
  contacts: Type.Optional(Type.Array(visibleText(320), { maxItems: 10 })),
  token_endpoint_auth_method: Type.Literal('private_key_jwt'),
  jwks: Type.Optional(Type.Object({ keys: Type.Array(Type.Unknown()) })),
  jwks_uri: Type.Optional(Type.String({ maxLength: 2_000, pattern: '^https://[\\x21-\\x7e]+$' })),
};

/** What each member must be, which completes "must". */
const requirements: Readonly<Record<keyof typeof members, string>> = {
  client_id: 'be the URL of the document',
  client_name: 'be a text of at most 200 visible characters',
  client_uri: 'be an https URL',
  contacts: 'be a list of at most 10 texts',
  token_endpoint_auth_method:
    'be private_key_jwt, since nobody shares a secret with a client that is known by a document',
  jwks: 'be a JWK set',
  jwks_uri: 'be an https URL',
};

const validators = Object.entries(members).map(([name, schema]) => ({ name, validator: Compile(schema) }));
const required: ReadonlySet<string> = new Set(['client_id', 'token_endpoint_auth_method']);

/** Members by which a document would publish a secret. */
const secretMembers = ['client_secret', 'client_secret_expires_at'];

type DocumentMembers = Static<TObject<typeof members>>;

export interface FetchedDocument {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: ArrayBuffer;
}

/**
 * Returns the members of the document that was fetched from `url`. Throws `DocumentFault` for what cannot be the metadata of
 * the client whose id is that URL. Does not look at its keys.
 */
export function parseClientDocument(url: string, { status, contentType, body }: FetchedDocument): DocumentMembers {
  if (status !== 200) {
    throw new DocumentFault(
      `is answered with the status ${status} instead of 200${status >= 300 && status < 400 ? ', and redirects are not followed' : ''}`,
    );
  }
  if (!/^application\/([\w.+-]+\+)?json *(;|$)/i.test(contentType ?? '')) {
    throw new DocumentFault('must be served as application/json, or as another type that ends with +json');
  }
  const document = parseObject(body);
  if (document['client_id'] !== url) {
    throw new DocumentFault('must have its own URL as its client_id, character by character');
  }
  const secret = secretMembers.find((name) => document[name] !== undefined);
  if (secret !== undefined) {
    throw new DocumentFault(`must not have ${secret}`);
  }
  for (const { name, validator } of validators) {
    const value = document[name];
    if (value === undefined ? required.has(name) : !validator.Check(value)) {
      throw new DocumentFault(`has an invalid ${name}: it must ${requirements[name as keyof typeof members]}`);
    }
  }
  const parsed = document as unknown as DocumentMembers;
  requireOneKeySet(url, parsed);
  return parsed;
}

function parseObject(body: ArrayBuffer): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new DocumentFault('is not JSON in UTF-8');
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new DocumentFault('is not a JSON object');
  }
  return document as Record<string, unknown>;
}

/** The keys come from where the document does: who approves a client approves that origin. */
function requireOneKeySet(url: string, { jwks, jwks_uri }: DocumentMembers): void {
  if ((jwks === undefined) === (jwks_uri === undefined)) {
    throw new DocumentFault('must have either jwks or jwks_uri');
  }
  if (jwks_uri !== undefined && URL.parse(jwks_uri)?.origin !== new URL(url).origin) {
    throw new DocumentFault(`has a jwks_uri at another origin: it must begin with ${new URL(url).origin}/`);
  }
}

const mostKeys = 20;

/**
 * Returns the public keys of a JWK set that verify signatures; others are ignored, as RFC 7517 §5 says. Throws `DocumentFault` if
 * there is none, and for a private or symmetric key, which whoever reads the document knows too.
 */
export function parseDocumentKeys(jwks: unknown): readonly PublishedKey[] {
  const { keys } = (jwks ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length > mostKeys) {
    throw new DocumentFault(`must have a JWK set of at most ${mostKeys} keys`);
  }
  const faults: string[] = [];
  const usable = keys.flatMap((jwk: unknown, index): PublishedKey[] => {
    if (isSecret(jwk)) {
      throw new DocumentFault(`must not publish a private or symmetric key, as keys[${index}] is: replace that key`);
    }
    try {
      return [{ key: requirePublicKey(jwk), jwk: jwk as PublishedKey['jwk'] }];
    } catch (error) {
      faults.push(`keys[${index}] ${error instanceof PublicKeyFault ? error.message : 'is not a public key'}`);
      return [];
    }
  });
  if (usable.length === 0) {
    throw new DocumentFault(`must have a public key for signatures${faults.length === 0 ? '' : `: ${faults[0]}`}`);
  }
  return usable;
}

function isSecret(jwk: unknown): boolean {
  return (
    typeof jwk === 'object' &&
    jwk !== null &&
    ('d' in jwk || 'k' in jwk || 'priv' in jwk || ('kty' in jwk && jwk.kty === 'oct'))
  );
}

export function describeDocument(document: DocumentMembers, keys: readonly PublishedKey[]): ClientDocument {
  return {
    clientName: document.client_name ?? null,
    clientUri: document.client_uri ?? null,
    contacts: document.contacts ?? [],
    jwksUri: document.jwks_uri ?? null,
    keys: [...new Set(keys.map(({ jwk }) => jwkThumbprint(jwk)))].toSorted(),
  };
}
