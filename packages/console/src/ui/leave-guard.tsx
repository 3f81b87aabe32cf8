/** Asks before something is left that would be lost: a secret that is shown only once. It guards links, going back, reloading and closing. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

interface LeaveGuard {
  /** Guards until the returned function is called. */
  hold(): () => void;
  /** Calls `proceed` now if nothing is guarded, and otherwise when the person says so. */
  leave(proceed: () => void): void;
  isHeld(): boolean;
}

const LeaveGuardContext = createContext<LeaveGuard>({
  hold: () => () => {},
  leave: (proceed) => proceed(),
  isHeld: () => false,
});

export function useLeave(): Pick<LeaveGuard, 'leave' | 'isHeld'> {
  return useContext(LeaveGuardContext);
}

/** Guards while the component is shown and `active`. */
export function useLeaveGuard(active: boolean): void {
  const { hold } = useContext(LeaveGuardContext);
  useEffect(() => (active ? hold() : undefined), [active, hold]);
}

const warn = (event: BeforeUnloadEvent) => event.preventDefault();

export function LeaveGuardProvider({ children }: { readonly children: ReactNode }) {
  const holders = useRef(0);
  const [proceed, setProceed] = useState<() => void>();
  const guard = useMemo<LeaveGuard>(() => {
    // The entry of the page is in the history twice, so that going back first comes to the same page, and can be asked about.
    const onBack = () => {
      window.history.pushState(window.history.state, '', window.location.href);
      setProceed(() => () => {
        end();
        window.history.go(-2);
      });
    };
    const end = () => {
      window.removeEventListener('beforeunload', warn);
      window.removeEventListener('popstate', onBack);
    };
    return {
      hold() {
        holders.current += 1;
        if (holders.current === 1) {
          window.history.pushState(window.history.state, '', window.location.href);
          window.addEventListener('popstate', onBack);
          window.addEventListener('beforeunload', warn);
        }
        return () => {
          holders.current -= 1;
          if (holders.current === 0) {
            end();
          }
        };
      },
      leave(now) {
        if (holders.current === 0) {
          now();
        } else {
          setProceed(() => () => now());
        }
      },
      isHeld: () => holders.current > 0,
    };
  }, []);
  const stay = () => setProceed(undefined);
  return (
    <LeaveGuardContext value={guard}>
      {children}
      {proceed !== undefined && (
        <Dialog title="Leave without storing the secret?" onClose={stay} role="alertdialog">
          <p>It is shown only once. If you have not stored it, it is lost, and you need to rotate to get another.</p>
          <div className="row actions">
            <Button onPress={stay} autoFocus>
              Stay here
            </Button>
            <Button
              kind="danger"
              onPress={() => {
                stay();
                proceed();
              }}
            >
              Leave
            </Button>
          </div>
        </Dialog>
      )}
    </LeaveGuardContext>
  );
}
