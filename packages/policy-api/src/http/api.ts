/** What an endpoint of this package is: a function that registers guarded routes which take JSON. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Kysely } from 'kysely';
import type { Change } from '../db/change.ts';
import type { PolicyDatabase } from '../db/schema.ts';

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type Endpoint = (app: Api) => void;

export interface EndpointOptions {
  readonly db: Kysely<PolicyDatabase>;
  readonly change: Change;
  /** The time, as RFC 3339 in UTC. */
  readonly timestamp: () => string;
}
