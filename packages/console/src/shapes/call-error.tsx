/** Why a change failed; if somebody else has changed the same, how it is now, so that a person can decide. */
import { useState } from 'react';
import { type Call, type Conflict, type Edit, isConflict, useCall } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote, Note } from '../ui/note.tsx';

interface CallErrorProps {
  readonly call: Pick<Call<unknown>, 'error'> & Partial<Pick<Edit<unknown>, 'conflict'>>;
  readonly title?: string | undefined;
}

export function CallError({ call: { error, conflict }, title }: CallErrorProps) {
  if (conflict !== undefined) {
    return <ConflictNote {...conflict} />;
  }
  return isConflict(error) ? (
    <Note tone="danger" title="Somebody else changed this since you opened it" role="alert">
      Nothing was changed. Close this, and look at how it is now.
    </Note>
  ) : (
    <ErrorNote title={title} error={error} />
  );
}

function ConflictNote({ present, onSeen }: Conflict) {
  const [seen, setSeen] = useState<object>();
  const read = useCall(
    (admin) => admin.send(present()),
    (answer) => {
      setSeen(answer);
      onSeen(answer);
    },
  );
  return (
    <Note tone="danger" title="Somebody else changed this since you opened it" role="alert">
      <div className="stack">
        <p>Nothing was saved. What you entered is still here.</p>
        {seen === undefined ? (
          <div className="row">
            <Button small onPress={read.run} pending={read.pending}>
              Show how it is now
            </Button>
          </div>
        ) : (
          <>
            <p>This is how it is now:</p>
            <pre>{JSON.stringify(seen, null, 2)}</pre>
            <p>If you save again, what you entered replaces this.</p>
          </>
        )}
        <ErrorNote title="Reading it failed" error={read.error} />
      </div>
    </Note>
  );
}
