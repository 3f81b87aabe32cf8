/** Dialogs: for forms, and to confirm changes that cannot be undone. */
import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from './button.tsx';
import { ErrorNote } from './note.tsx';

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** A click beside it or Escape does not close it, because its content is shown only once. */
  readonly mustAnswer?: boolean;
  readonly role?: 'dialog' | 'alertdialog';
}

export function Dialog({ title, isOpen, onClose, children, wide, mustAnswer = false, role = 'dialog' }: DialogProps) {
  return (
    <ModalOverlay
      className="overlay"
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={!mustAnswer}
      isKeyboardDismissDisabled={mustAnswer}
    >
      <Modal className={wide === true ? 'modal modal-wide' : 'modal'}>
        <AriaDialog className="dialog" role={role}>
          <Heading slot="title" className="dialog-title">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmDialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** The consequences. */
  readonly children: ReactNode;
  /** The label of the button. */
  readonly action: string;
  readonly onConfirm: () => void;
  readonly pending: boolean;
  readonly error: Error | null;
}

export function ConfirmDialog({ children, action, onConfirm, pending, error, ...dialog }: ConfirmDialogProps) {
  return (
    <Dialog {...dialog} role="alertdialog">
      <div className="stack">
        {children}
        <ErrorNote error={error} />
        <div className="dialog-actions">
          <Button onPress={dialog.onClose} autoFocus>
            Cancel
          </Button>
          <Button kind="danger" onPress={onConfirm} pending={pending}>
            {action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

interface FormActionsProps {
  readonly action: string;
  readonly pending: boolean;
  readonly onCancel: () => void;
}

export function FormActions({ action, pending, onCancel }: FormActionsProps) {
  return (
    <div className="dialog-actions">
      <Button onPress={onCancel}>Cancel</Button>
      <Button kind="primary" type="submit" pending={pending}>
        {action}
      </Button>
    </div>
  );
}
