/** Routes that are guarded and take JSON, with the types of requests and answers derived from the schemas of the routes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
// Adds to Fastify's schemas the members that only the documentation reads.
import type {} from '@fastify/swagger';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { Static, TSchema } from 'typebox';

interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  readonly serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
}

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  SchemaTypes
>;

export type ApiPlugin = (app: Api) => Promise<void>;
