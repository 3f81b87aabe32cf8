/** What an endpoint of this package is: a function that registers guarded routes. */
import { type Api, operationsOf } from '@postern/http-api';
import type { Kysely } from 'kysely';
import type { Change } from './db/change.ts';
import type { PolicyDatabase } from './db/schema.ts';

/** Describes a route of the policy API. */
export const operation = operationsOf('Policy');

export type Endpoint = (app: Api) => void;

export interface EndpointOptions {
  readonly db: Kysely<PolicyDatabase>;
  readonly change: Change;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
