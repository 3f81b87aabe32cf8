/** Boxes for hints, warnings and errors. */
import type { ReactNode } from 'react';
import type { Tone } from './badge.tsx';

interface NoteProps {
  readonly tone?: Tone;
  readonly title?: string;
  readonly children?: ReactNode;
  readonly role?: 'alert' | 'status';
}

export function Note({ tone = 'neutral', title, children, role }: NoteProps) {
  return (
    <div className={`note tone-${tone}`} role={role}>
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
    <Note tone="danger" title={title} role="alert">
      {error.message}
    </Note>
  );
}
