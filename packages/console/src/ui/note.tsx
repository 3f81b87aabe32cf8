/** Boxes that say something aside: a hint, a warning, what went wrong. */
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

/** What the server said, which is written for people. Nothing where there is no error. */
export function ErrorNote({ error, title = 'That did not work' }: ErrorNoteProps) {
  return error === null ? null : (
    <Note kind="danger" title={title} role="alert">
      {error.message}
    </Note>
  );
}
