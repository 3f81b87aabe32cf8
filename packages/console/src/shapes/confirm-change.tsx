/** Changes that cannot be undone: a person confirms them after reading their consequences. */
import type { Change } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { useChange } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { CallError } from './call-error.tsx';

interface ConfirmChangeProps {
  readonly question: string;
  readonly operation: Change<unknown>;
  /** The label of the button that confirms. */
  readonly action: string;
  /** Is shown when it is done. */
  readonly notice: string;
  readonly onClose: () => void;
  /** Leaves the page, because what it shows is deleted. */
  readonly leave?: (() => void) | undefined;
  /** The consequences. */
  readonly children: ReactNode;
}

export function ConfirmChange({ question, operation, action, notice, onClose, leave, children }: ConfirmChangeProps) {
  const change = useChange((admin) => admin.send(operation), {
    notice,
    leaves: leave !== undefined,
    onDone: () => {
      onClose();
      leave?.();
    },
  });
  return (
    <Dialog title={question} onClose={onClose} role="alertdialog">
      {children}
      <CallError call={change} />
      <div className="row actions">
        <Button onPress={onClose} autoFocus>
          Cancel
        </Button>
        <Button kind="danger" onPress={change.run} pending={change.pending}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}

interface DangerRowProps {
  readonly title: string;
  readonly description: string;
  /** The button. */
  readonly children: ReactNode;
}

export function DangerRow({ title, description, children }: DangerRowProps) {
  return (
    <div className="danger-row">
      <div>
        <strong>{title}</strong>
        <p className="hint">{description}</p>
      </div>
      {children}
    </div>
  );
}

interface DangerousChangeProps extends Omit<ConfirmChangeProps, 'onClose'> {
  readonly description: string;
}

/** A row with a button that asks for confirmation. The consequences are the items of a list. */
export function DangerousChange({ description, children, ...change }: DangerousChangeProps) {
  const [open, setOpen] = useState(false);
  return (
    <DangerRow title={change.action} description={description}>
      <Button kind="danger" onPress={() => setOpen(true)}>
        {change.action}
      </Button>
      {open && (
        <ConfirmChange {...change} onClose={() => setOpen(false)}>
          <ul className="consequences">{children}</ul>
        </ConfirmChange>
      )}
    </DangerRow>
  );
}
