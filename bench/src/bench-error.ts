/** What stops a benchmark for a reason that the person who runs it can do something about. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
