/** Boxes for hints, warnings and errors. */
import type { ReactNode } from 'react';

interface NoteProps {
  readonly kind?: 'info' | 'warning' | 'danger' | 'good';
  readonly title?: string;
  readonly children?: ReactNode;
  readonly role?: 'alert' | 'status';
}

export function Note({ kind = 'info', title, children, role }: NoteProps) {
  return (
    <div className={`note note-${kind}`} role={role}>
      {title !== undefined && <strong className="note-title">{title}</strong>}
      {children !== undefined && <div>{children}</div>}
    </div>
  );
}

interface ErrorNoteProps {
  readonly error: Error | null;
  readonly title?: string;
}

/** Shows the message of the server. Renders nothing without an error. */
export function ErrorNote({ error, title = 'The change failed' }: ErrorNoteProps) {
  return error === null ? null : (
    <Note kind="danger" title={title} role="alert">
      {error.message}
    </Note>
  );
}
