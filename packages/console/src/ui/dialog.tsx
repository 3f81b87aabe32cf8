/** Dialogs: for forms, and to confirm changes that cannot be undone. A dialog is open as long as it is rendered. */
import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean | undefined;
  /** A click beside it or Escape does not close it, because its content is shown only once. */
  readonly mustAnswer?: boolean;
  /** Hides what is below it. */
  readonly covers?: boolean;
  readonly role?: 'dialog' | 'alertdialog';
}

export function Dialog({
  title,
  onClose,
  children,
  wide,
  mustAnswer = false,
  covers = false,
  role = 'dialog',
}: DialogProps) {
  return (
    <ModalOverlay
      className={covers ? 'overlay overlay-covering' : 'overlay'}
      isOpen
      onOpenChange={onClose}
      isDismissable={!mustAnswer}
      isKeyboardDismissDisabled={mustAnswer}
    >
      <Modal className={wide === true ? 'modal modal-wide' : 'modal'}>
        <AriaDialog className="dialog stack" role={role}>
          <Heading slot="title" className="dialog-title">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
