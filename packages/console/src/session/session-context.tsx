/** The session, for all components. It ends by signing out, on the server, or when a pasted token is rejected. */
import { createContext, type ReactNode, useContext } from 'react';
import type { Session } from './sign-in.ts';

interface SessionContextValue {
  readonly session: Session;
  /** Ends the session here, or in every browser. Throws `AdminError`. */
  readonly signOut: (where: 'here' | 'everywhere') => Promise<void>;
}

const SessionContext = createContext<SessionContextValue | undefined>(undefined);

export function SessionProvider({ children, ...value }: SessionContextValue & { readonly children: ReactNode }) {
  return <SessionContext value={value}>{children}</SessionContext>;
}

export function useSession(): Session {
  return useSessionContext().session;
}

export function useSignOut(): SessionContextValue['signOut'] {
  return useSessionContext().signOut;
}

function useSessionContext(): SessionContextValue {
  const value = useContext(SessionContext);
  if (value === undefined) {
    throw new Error('This component needs a session.');
  }
  return value;
}
