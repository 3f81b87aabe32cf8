/** What Postern promises, in numbers. docs/reliability.md states the same ones, and a test compares the two. */

/** All in milliseconds. */
export interface Promises {
  /** From the acknowledgement of its end until every process that has news refuses a token. */
  readonly deadAfterMs: number;
  /** Without news, a node and a guard refuse everything after this time, by what they were configured with. */
  readonly nodeStalenessMs: number;
  readonly guardStalenessMs: number;
  /** How much later than configured that may be: the requests that were answered last. */
  readonly stalenessSlackMs: number;
  /** When the database is back, a node is current again within this time. */
  readonly nodeRecoveryMs: number;
  /** When its node is back, a guard is current again within this time: the longest pause between two attempts. */
  readonly guardRecoveryMs: number;
  /** After a key was revoked while it signed, guards learn the key that signs at once instead within this time. */
  readonly unknownKeyMs: number;
  /** Guards learn a key that a node with a wrong clock uses before its time within this time. */
  readonly earlyKeyMs: number;
  /** How much clocks may differ from each other when it is judged whether a token has expired. */
  readonly clockSkewMs: number;
}

export const stalenessSeconds = 6;

export const promises: Promises = {
  deadAfterMs: 1_000,
  nodeStalenessMs: stalenessSeconds * 1_000,
  // An answer that was delayed may be as old as the time for which the feed was asked to wait: a third of the limit.
  guardStalenessMs: (4 / 3) * stalenessSeconds * 1_000,
  stalenessSlackMs: 1_000,
  nodeRecoveryMs: 3_000,
  guardRecoveryMs: 8_000,
  unknownKeyMs: 5_000,
  earlyKeyMs: 35_000,
  clockSkewMs: 6_000,
};
