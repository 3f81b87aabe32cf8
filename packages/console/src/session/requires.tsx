/** Shows a page only if the session has the scope, and otherwise says which scope is missing. */
import type { ReactNode } from 'react';
import { Note } from '../ui/note.tsx';
import { useSession } from './session-context.tsx';

export function Requires({ scope, children }: { readonly scope: string; readonly children: ReactNode }) {
  const session = useSession();
  return session.may(scope) ? children : <Lacks scope={scope} />;
}

export function Lacks({ scope, to = 'see this' }: { readonly scope: string; readonly to?: string }) {
  const { clientId } = useSession();
  return (
    <Note title="Missing scope">
      To {to} you need the scope <code>{scope}</code>, which the token of <code>{clientId}</code> does not have.
    </Note>
  );
}
