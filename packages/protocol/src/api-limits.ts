/** Limits that servers and those who call or check them share, in browsers too. */

/** Items on a page of a list: at most, and by default. */
export const maxPageSize = 100;
export const defaultPageSize = 50;

/** Events on a page of the audit trail, at most. */
export const maxEventPageSize = 1_000;

/** How long a long poll waits, at most. */
export const maxWaitSeconds = 30;

/** Elements of a bulk write, at most. */
export const maxBulkElements = 50;

/** Operations of a batch and bytes of its body, at most, and how long it may hold up other changes before it is undone. */
export const maxBatchOperations = 10_000;
export const maxBatchBytes = 16_777_216;
export const batchTimeLimitSeconds = 30;

/** Milliseconds before the end of a certificate from which on operators are told. */
export const certificateWarningMs = 14 * 86_400_000;

/** Days before the end of a client from which on operators are told. */
export const clientWarningDays = 14;
