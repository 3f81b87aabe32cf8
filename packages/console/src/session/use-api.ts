/** Reading and changing over the API, as React hooks. */
import { keepPreviousData, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Api } from '../api/api.ts';
import type { Page } from '../api/contract.ts';
import { useSession } from './session-context.tsx';

/** What `path` answers; nothing is asked while it is undefined. A list keeps its last page while the next loads. */
export function useGet<T>(path: string | undefined): UseQueryResult<T> {
  const { api } = useSession();
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => api.get<T>(path as string, signal),
    enabled: path !== undefined,
    placeholderData: keepPreviousData,
  });
}

/** Pages of a list that are read to its end; it holds no more than these. */
const mostPages = 50;

/** All of a list of which there are few: `path` is without a query. Nothing is asked while it is undefined. */
export function useAll<T>(path: string | undefined): UseQueryResult<T[]> {
  const { api } = useSession();
  return useQuery({
    queryKey: ['all', path],
    queryFn: async ({ signal }) => {
      const items: T[] = [];
      for (let page = 1; page <= mostPages; page += 1) {
        const list = await api.get<Page<T>>(`${path}?page=${page}&size=100`, signal);
        items.push(...list.items);
        if (page >= list.pages) {
          break;
        }
      }
      return items;
    },
    enabled: path !== undefined,
  });
}

export interface Change<Input, Output> {
  /** Resolves to undefined where it failed; `error` says why. */
  run(input: Input): Promise<{ readonly value: Output } | undefined>;
  readonly pending: boolean;
  readonly error: Error | null;
  reset(): void;
}

interface ChangeOptions {
  /** The page is left after it, for what it shows is gone. */
  readonly leaves?: boolean;
}

/** A change by the API. It is done when everything on the page has been read again. */
export function useChange<Input, Output>(
  change: (api: Api, input: Input) => Promise<Output>,
  { leaves = false }: ChangeOptions = {},
): Change<Input, Output> {
  const { api } = useSession();
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: (input: Input) => change(api, input),
    onSuccess: () => queries.invalidateQueries({ refetchType: leaves ? 'none' : 'active' }),
  });
  return {
    // Enter pressed twice must not make two clients.
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
