/** Reading and changing over the management API, as React hooks. */
import type { AdminClient, Page, Read } from '@postern/admin';
import { keepPreviousData, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
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

/** Reads all pages of a short list. Reads nothing if the session lacks the scope `needs`. */
export function useAll<Item>(list: Read<Page<Item>>, needs?: string): UseQueryResult<Item[]> {
  const { admin, may } = useSession();
  return useQuery({
    queryKey: ['all', list],
    queryFn: ({ signal }) => admin.all(list, { signal }),
    enabled: needs === undefined || may(needs),
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
): Call<Output> {
  const { admin } = useSession();
  const mutation = useMutation({
    mutationFn: async () => call(admin),
    ...(onDone !== undefined && { onSuccess: onDone }),
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
  return useCall(change, async (output) => {
    await queries.invalidateQueries({ refetchType: leaves ? 'none' : 'active' });
    if (notice !== undefined) {
      notify(notice);
    }
    onDone?.(output);
  });
}
