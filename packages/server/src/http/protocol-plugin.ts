/** Endpoints of the OAuth protocol, which clients call without an access token. */
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Errors of this route have the members of RFC 6749 §5.2. */
    oauthErrors?: boolean;
  }
}

/** Forms arrive as text; their schema only documents them. */
export type ProtocolPlugin = (app: FastifyInstance) => Promise<void>;
