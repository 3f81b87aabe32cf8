/** Reading and changing over the management API, as React hooks. */
import type { AdminClient, Page, Read } from '@postern/admin';
import { keepPreviousData, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSession } from './session-context.tsx';

/** Sends a request unless `operation` is undefined. A list keeps its last page while the next one loads. */
export function useRead<Answer>(operation: Read<Answer> | undefined): UseQueryResult<Answer> {
  const { admin } = useSession();
  return useQuery({
    queryKey: [operation],
    queryFn: ({ signal }) => admin.send(operation as Read<Answer>, { signal }),
    enabled: operation !== undefined,
    placeholderData: keepPreviousData,
  });
}

/** Reads all pages of a short list, unless it is undefined. */
export function useAll<Item>(list: Read<Page<Item>> | undefined): UseQueryResult<Item[]> {
  const { admin } = useSession();
  return useQuery({
    queryKey: ['all', list],
    queryFn: ({ signal }) => admin.all(list as Read<Page<Item>>, { signal }),
    enabled: list !== undefined,
  });
}

export interface Change<Input, Output> {
  /** Resolves to undefined if it failed; `error` says why. */
  run(input: Input): Promise<{ readonly value: Output } | undefined>;
  readonly pending: boolean;
  readonly error: Error | null;
  reset(): void;
}

interface ChangeOptions {
  /** The page is left after it, because what it shows is deleted. */
  readonly leaves?: boolean;
}

/** A change over the API. It is done when everything on the page has been read again. */
export function useChange<Input, Output>(
  change: (admin: AdminClient, input: Input) => Promise<Output>,
  { leaves = false }: ChangeOptions = {},
): Change<Input, Output> {
  const { admin } = useSession();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: (input: Input) => change(admin, input),
    onSuccess: () => queries.invalidateQueries({ refetchType: leaves ? 'none' : 'active' }),
  });
  return {
    // Pressing Enter twice must not create two clients.
    run: async (input) =>
      mutation.isPending
        ? undefined
        : mutation.mutateAsync(input).then(
            (value) => ({ value }),
            () => undefined,
          ),
    pending: mutation.isPending,
    error: mutation.error,
    reset: mutation.reset,
  };
}
