/** A fetch that counts what it was asked for. */
import type { Fetch } from '../src/index.ts';

export function countingFetch(): { readonly fetch: Fetch; calls(pathEnd: string): number } {
  const paths: string[] = [];
  return {
    fetch: (url, init) => {
      paths.push(new URL(url).pathname);
      return fetch(url, init);
    },
    calls: (pathEnd) => paths.filter((path) => path.endsWith(pathEnd)).length,
  };
}
