/** The history of a run: what was issued, changed, tried and broken, in the order in which it was known to the harness. */

/** Which tokens a change ends. The checker applies it to every token that was issued before the change. */
export type Ends =
  /** One token, and those that were exchanged for it. */
  | { readonly jti: string }
  /** Every token. */
  | { readonly all: true }
  /** All that the key has signed, and what was exchanged for it. */
  | { readonly kid: string }
  /** Tokens of a client: those with the scope, or for the resource, or all. */
  | { readonly clientId: string; readonly scope?: string; readonly resource?: string }
  /** The credentials of a client, except those that are created later. */
  | { readonly credentialsOf: string };

/** All times are milliseconds since the start of the run, by a monotonic clock. */
export interface Span {
  /** When the request was sent. */
  readonly sentAt: number;
  /** When its answer had arrived, or none was waited for any longer. */
  readonly at: number;
}

/** A token that was issued. */
export interface TokenRecord extends Span {
  readonly type: 'token';
  /** Its `jti`. */
  readonly id: string;
  readonly clientId: string;
  /** The node that issued it. */
  readonly node: string;
  readonly kid: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly expiresAt: number;
  /** The tokens that were exchanged for it. */
  readonly parents: readonly { readonly jti: string; readonly kid: string; readonly clientId: string }[];
}

/** A client, or a secret of one, that was created. */
export interface CredentialRecord extends Span {
  readonly type: 'credential';
  readonly id: string;
  readonly clientId: string;
}

/** A change that somebody tried to make. */
export interface ChangeRecord extends Span {
  readonly type: 'change';
  readonly what: string;
  readonly node: string;
  /** `unknown`: no answer, or one that says that it may have been made. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  readonly ends: readonly Ends[];
}

/** An attempt to use a token or a credential. */
export interface ProbeRecord extends Span {
  readonly type: 'probe';
  readonly id: string;
  /** The process that was asked. */
  readonly observer: string;
  readonly how: 'guard' | 'introspection' | 'api' | 'token request';
  /** `unavailable`: an answer that says neither, or none. */
  readonly verdict: 'accepted' | 'refused' | 'unavailable';
  readonly detail: string;
}

/** The cause of an outage for which the machine is to blame. */
export const starved = 'starved';

/** A time in which a part of the system did not work, because the harness broke it or the machine had no time for it. */
export interface OutageRecord {
  readonly type: 'outage';
  /** `database`, `machine`, a process, or `link of` a process. */
  readonly of: string;
  readonly from: number;
  readonly to: number;
  readonly cause: string;
}

/** A process began to run. */
export interface StartRecord {
  readonly type: 'start';
  readonly process: string;
  readonly at: number;
}

/** The node that a guard is connected with from now on. */
export interface RouteRecord {
  readonly type: 'route';
  readonly guard: string;
  readonly node: string;
  readonly at: number;
}

/** The clock of a process was set. */
export interface ClockRecord {
  readonly type: 'clock';
  readonly process: string;
  readonly at: number;
  readonly offsetMs: number;
}

/**
 * What the database says, read past all nodes. If it may have lost changes (a restore, a replica that was behind), this is
 * the truth from now on; otherwise it must agree with what was acknowledged.
 */
export interface DatabaseRecord {
  readonly type: 'database';
  readonly at: number;
  readonly cause: string;
  readonly mayHaveLost: boolean;
  readonly active: readonly string[];
  /** Tokens whose client the database does not know, and which no revocation of it can be about. */
  readonly clientless: readonly string[];
}

/** Something that must never happen, and that the harness itself saw. */
export interface FaultRecord {
  readonly type: 'fault';
  readonly at: number;
  /** The process that it is about. */
  readonly by: string;
  readonly text: string;
}

export type HistoryRecord =
  | TokenRecord
  | CredentialRecord
  | ChangeRecord
  | ProbeRecord
  | OutageRecord
  | StartRecord
  | RouteRecord
  | ClockRecord
  | DatabaseRecord
  | FaultRecord;

export class History {
  readonly records: HistoryRecord[] = [];
  readonly #startedAt = performance.now();
  /** By the system's clock, milliseconds since 1970. */
  readonly startedAtWall = Date.now();

  /** Milliseconds since the start of the run. */
  now(): number {
    return performance.now() - this.#startedAt;
  }

  add(record: HistoryRecord): void {
    this.records.push(record);
  }

  /** Does what breaks a part of the system, and records for how long. */
  async during<T>(of: string, cause: string, work: () => Promise<T>): Promise<T> {
    const from = this.now();
    try {
      return await work();
    } finally {
      this.add({ type: 'outage', of, cause, from, to: this.now() });
    }
  }
}
