/** The scopes that there are, as far as the session may see them. */
import type { Scope } from '../api/contract.ts';
import { useSession } from '../session/session-context.tsx';
import { useGet } from '../session/use-api.ts';

/** Without `scope:read` only those of the session's own token are known, by name. Undefined while they load. */
export function useScopes(): readonly Scope[] | undefined {
  const session = useSession();
  const readable = session.may('scope:read');
  const { data } = useGet<Scope[]>(readable ? 'oauth/scope?view=full' : undefined);
  return readable
    ? data
    : [...session.scopes].map((name) => ({ name, description: '', administrative: false, origin: 'built-in' }));
}
