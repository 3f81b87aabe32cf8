/** How long a benchmark runs: so many rounds, and so many seconds of load on each server in each. */
export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
}
