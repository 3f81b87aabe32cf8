/** Reading and changing over the management API, as React hooks. */
import { type AdminClient, AdminError, type Change, ifUnchanged, type Page, type Read } from '@postern/admin';
import { keepPreviousData, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNotice } from '../ui/notice.tsx';
import { useSession } from './session-context.tsx';

/** Reads nothing if the session lacks the scope `needs`. A list keeps its last page while the next one loads. */
export function useRead<Answer>(operation: Read<Answer>, needs?: string): UseQueryResult<Answer> {
  const { admin, may } = useSession();
  return useQuery({
    queryKey: [operation],
    queryFn: ({ signal }) => admin.send(operation, { signal }),
    enabled: needs === undefined || may(needs),
    placeholderData: keepPreviousData,
  });
}

interface AllOptions {
  /** Nothing is read if the session lacks this scope. */
  readonly needs?: string;
  /** It is read again after so many milliseconds while it is shown. Default: only after a change. */
  readonly refreshMs?: number;
}

/** Reads all pages of a short list. */
export function useAll<Item>(
  list: Read<Page<Item>>,
  { needs, refreshMs = 0 }: AllOptions = {},
): UseQueryResult<Item[]> {
  const { admin, may } = useSession();
  return useQuery({
    queryKey: ['all', list],
    queryFn: ({ signal }) => admin.all(list, { signal }),
    enabled: needs === undefined || may(needs),
    refetchInterval: refreshMs > 0 && refreshMs,
  });
}

/** A call that a person starts, and how it is going. */
export interface Call<Output> {
  run(): void;
  readonly pending: boolean;
  readonly error: Error | null;
  readonly output: Output | undefined;
}

export function useCall<Output>(
  call: (admin: AdminClient) => Promise<Output>,
  onDone?: (output: Output) => unknown,
  onFault?: (error: Error) => unknown,
): Call<Output> {
  const { admin } = useSession();
  const mutation = useMutation({
    mutationFn: async () => call(admin),
    ...(onDone !== undefined && { onSuccess: onDone }),
    ...(onFault !== undefined && { onError: onFault }),
  });
  return {
    // Pressing Enter twice must not create two clients.
    run: () => !mutation.isPending && mutation.mutate(),
    pending: mutation.isPending,
    error: mutation.error,
    output: mutation.data,
  };
}

interface ChangeOptions<Output> {
  /** Is shown when the change is done. */
  readonly notice?: string;
  readonly onDone?: ((output: Output) => void) | undefined;
  /** The page is left afterwards, because what it shows is deleted. */
  readonly leaves?: boolean;
}

/** A change over the API. It is done when everything on the page has been read again. */
export function useChange<Output>(
  change: (admin: AdminClient) => Promise<Output>,
  { notice, onDone, leaves = false }: ChangeOptions<Output>,
): Call<Output> {
  const queries = useQueryClient();
  const notify = useNotice();
  return useCall(
    change,
    async (output) => {
      await queries.invalidateQueries({ refetchType: leaves ? 'none' : 'active' });
      if (notice !== undefined) {
        notify(notice);
      }
      onDone?.(output);
    },
    // The page shows what somebody else has made of it.
    (error) => isConflict(error) && queries.invalidateQueries(),
  );
}

/** Whether somebody else has changed what a change was meant for. */
export function isConflict(error: Error | null): boolean {
  return error instanceof AdminError && error.code === 'precondition_failed';
}

/** How a person decides after somebody else has changed what they edit. */
export interface Conflict {
  /** Reads how it is now. */
  readonly present: () => Read<object>;
  /** The next change is about this version. */
  readonly onSeen: (present: object) => void;
}

export interface Edit<Output> extends Call<Output> {
  readonly conflict: Conflict | undefined;
}

/**
 * A change of what a person saw when they began: `opened`; undefined: it is new. It fails if somebody else has changed
 * that since, however often the page was read again meanwhile. `change` sends operations that are `guarded`.
 */
export function useEdit<Output>(
  opened: object | undefined,
  present: () => Read<object>,
  change: (admin: AdminClient, guarded: <A>(operation: Change<A>) => Change<A>) => Promise<Output>,
  { onDone, ...options }: ChangeOptions<Output> = {},
): Edit<Output> {
  const [seen, setSeen] = useState(opened);
  const call = useChange((admin) => change(admin, (operation) => ifUnchanged(operation, seen)), {
    ...options,
    onDone(output) {
      setSeen(output as object);
      onDone?.(output);
    },
  });
  const hasChanged = isConflict(call.error) && seen !== undefined;
  return { ...call, conflict: hasChanged ? { present, onSeen: setSeen } : undefined };
}
