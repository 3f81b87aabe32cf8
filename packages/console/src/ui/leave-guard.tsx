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

/**
 * A guarded page has two entries in the history, so that going back first comes to the same page, and can be asked about.
 * Both are marked, so that whoever goes back later, when nothing is guarded any more, does not stay there for one step.
 */
interface Mark {
  readonly page: string;
  readonly entry: 1 | 2;
}

const readMark = (): Mark | undefined => (window.history.state as { guarded?: Mark } | null)?.guarded;
const withMark = (guarded: Mark) => ({ ...(window.history.state as object | null), guarded });

function enterSecond({ page }: Pick<Mark, 'page'>): Mark {
  const second: Mark = { page, entry: 2 };
  window.history.pushState(withMark(second), '', window.location.href);
  return second;
}

export function LeaveGuardProvider({ children }: { readonly children: ReactNode }) {
  const holders = useRef(0);
  const last = useRef(readMark());
  const [proceed, setProceed] = useState<() => void>();
  useEffect(() => {
    const onMove = () => {
      const [from, to] = [last.current, readMark()];
      last.current = to;
      if (from === undefined || to === undefined || from.page !== to.page || from.entry === to.entry) {
        return;
      }
      if (to.entry === 1 && holders.current > 0) {
        last.current = enterSecond(to);
        setProceed(() => () => {
          window.removeEventListener('beforeunload', warn);
          window.history.go(-2);
        });
      } else {
        window.history.go(to.entry - from.entry);
      }
    };
    window.addEventListener('popstate', onMove);
    return () => window.removeEventListener('popstate', onMove);
  }, []);
  const guard = useMemo<LeaveGuard>(
    () => ({
      hold() {
        holders.current += 1;
        if (holders.current === 1) {
          if (readMark()?.entry !== 2) {
            const page = crypto.randomUUID();
            window.history.replaceState(withMark({ page, entry: 1 }), '', window.location.href);
            last.current = enterSecond({ page });
          }
          window.addEventListener('beforeunload', warn);
        }
        return () => {
          holders.current -= 1;
          if (holders.current === 0) {
            window.removeEventListener('beforeunload', warn);
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
    }),
    [],
  );
  const stay = () => setProceed(undefined);
  return (
    <LeaveGuardContext value={guard}>
      {children}
      {proceed !== undefined && (
        <Dialog title="Leave without storing the secret?" onClose={stay} role="alertdialog">
          <p>It is shown only once. If you have not stored it, it is lost, and you need to create another.</p>
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
