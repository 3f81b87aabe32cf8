/** The registered scopes, as far as the session may see them. */
import { operations, type Scope } from '@postern/admin';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-admin.ts';

/** Without `scope:read` only the names of the scopes of the session's own token are known. Undefined while they load. */
export function useScopes(): readonly Scope[] | undefined {
  const session = useSession();
  const readable = session.may('scope:read');
  const { data } = useAll(operations.scopes.list(), { needs: 'scope:read' });
  return readable
    ? data
    : [...session.scopes].map((name) => ({ name, description: '', administrative: false, origin: 'built-in' }));
}
