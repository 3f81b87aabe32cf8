/** Shows a placeholder while data loads, an error if it cannot be loaded, and then the data. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Note } from './note.tsx';

interface LoadedProps<T> {
  readonly query: UseQueryResult<T>;
  readonly children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, children }: LoadedProps<T>) {
  if (query.data !== undefined) {
    return (
      <div
        className={query.isPlaceholderData ? 'stack loaded stale' : 'stack loaded'}
        aria-busy={query.isPlaceholderData}
      >
        {query.isError && <LoadError error={query.error} retry={query.refetch} />}
        {children(query.data)}
      </div>
    );
  }
  return query.isError ? <LoadError error={query.error} retry={query.refetch} /> : <Skeleton />;
}

function LoadError({ error, retry }: { readonly error: Error; readonly retry: () => unknown }) {
  return (
    <Note tone="danger" title="Loading failed" role="alert">
      <p>{error.message}</p>
      <Button small onPress={() => void retry()}>
        Try again
      </Button>
    </Note>
  );
}

function Skeleton() {
  return (
    <div className="stack skeleton" role="status">
      <span className="visually-hidden">Loading</span>
      <span />
      <span />
      <span />
    </div>
  );
}

/** Replaces an empty list: says what would be here, and how to create it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}
