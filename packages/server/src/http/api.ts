/** The two kinds of endpoint: management APIs behind the guard, and the OAuth protocol's own. */
// Teaches Fastify's schemas the members that only documentation reads.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type {} from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Errors of this route have the members of RFC 6749 §5.2. */
    oauthErrors?: boolean;
  }
}

/** Routes that are guarded and take JSON. */
export type ApiPlugin = (
  app: FastifyInstance<
    RawServerDefault,
    IncomingMessage,
    ServerResponse<IncomingMessage>,
    FastifyBaseLogger,
    TypeBoxTypeProvider
  >,
) => Promise<void>;

/** Routes that clients call without a token. Forms arrive as text; their schema only documents them. */
export type ProtocolPlugin = (app: FastifyInstance) => Promise<void>;
