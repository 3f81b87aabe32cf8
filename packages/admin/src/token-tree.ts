/** What a person means who names a token, the id of one, or a client, and what would end with it. RFC 7009 §2.1. */
import type { AdminClient } from './admin-client.ts';
import { AdminError } from './admin-error.ts';
import type { TokenTree, TokenTreeRoot } from './operations.ts';

export interface FoundTokenTree {
  /** For `tokens.revoke`. */
  readonly root: TokenTreeRoot;
  readonly tree: TokenTree;
}

const tokenPattern = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;
const jtiPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text is a token, and no id. A client id may have points too, but none begins as the header of a JWT does. */
export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

/**
 * Finds the token or client by a text: the token itself, the id of a client, or the `jti` of a token, in this order, since a client
 * may have a UUID as its id. Throws `AdminError`, with the code `not_found` if the text is none of these.
 */
export async function findTokenTree(admin: AdminClient, text: string): Promise<FoundTokenTree> {
  const look = async (root: TokenTreeRoot) => ({ root, tree: await admin.tokens.previewRevocation(root) });
  if (isToken(text)) {
    return look({ token: text });
  }
  try {
    return await look({ client_id: text });
  } catch (error) {
    if (!(error instanceof AdminError && error.code === 'not_found')) {
      throw error;
    }
    if (!jtiPattern.test(text)) {
      throw new AdminError('not_found', 'That is no token, no jti of one, which is a UUID, and no client.');
    }
    return look({ jti: text });
  }
}

/** A sentence without its full stop: what a tree is, and how many tokens are below. */
export function describeTokenTree({ kind, jti, client_id, status, descendants }: TokenTree): string {
  const of = client_id === null ? '' : ` of the client ${client_id}`;
  const unknown = status === 'unknown' ? ' (if it was issued: the server keeps no list of its tokens)' : '';
  const what = kind === 'client' ? `all tokens${of}` : `the token ${jti}${of}${unknown}`;
  const { tokens_issued: count, is_complete } = descendants;
  const number = `${is_complete ? '' : 'at least '}${count} token${count === 1 ? '' : 's'}`;
  return `${what}, with ${number} exchanged for ${kind === 'client' ? 'them' : 'it'}`;
}
