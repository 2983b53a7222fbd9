/// Records of the API as React asks for them.

import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'

import { Problem, read, write, type Progress, type Values } from './api'

export function useRecord<T>(
  noun: string,
  verb: string,
  values: Values = {},
  options: { enabled?: boolean; refetchInterval?: number } = {},
): UseQueryResult<T, Problem> {
  return useQuery<T, Problem>({
    queryKey: [noun, verb, values],
    queryFn: ({ signal }) => read<T>(noun, verb, values, signal),
    ...options,
  })
}

/// A command that changes something. What it may have changed is asked for anew.
export function useCommand<T>(noun: string, verb: string, onProgress?: (line: Progress) => void) {
  const client = useQueryClient()
  return useMutation<T, Problem, Values>({
    mutationFn: (values) => write<T>(noun, verb, values, onProgress),
    onSettled: () => client.invalidateQueries(),
  })
}

/// What cannot get better by asking again is not asked again.
export function worthRetrying(failures: number, error: Error): boolean {
  const status = error instanceof Problem ? error.status : 0
  return failures < 2 && (status === 0 || status === 429 || status >= 500)
}
