/** Versions of what the management APIs keep: `ETag` of answers, `If-Match` and `If-None-Match` of calls. RFC 9110 §8.8.3, §13.1 and §15.4.5. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Caller } from '../events/actor.ts';
import type { EventLog } from '../events/event-log.ts';
import { findVersion, findVersions, readLog } from '../events/event-store.ts';
import { isKnownVersion, type Precondition, parsePrecondition } from '../events/precondition.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The kind of thing that the route reads; the first parameter of its path is the id. */
    reads?: string;
    /** Whether its answer also says what changes without that version. */
    isVolatile?: boolean;
    /** The kind of things that the route lists, and the member of an item that is its id. */
    lists?: readonly [kind: string, idMember: string];
    /** The kind of thing that the route changes. */
    changes?: string;
  }
  interface FastifyRequest {
    /** The version that a call reads, once it is known; undefined for a call that reads no one thing. */
    version: string | undefined;
    /** Where the event log ended before a list was read; undefined for a list that has no versions. */
    listedFrom: number | undefined;
    /** What a call that changes something requires of the version of that. */
    precondition: Precondition | undefined;
  }
}

/**
 * Adds the version to what the routes of `app` answer that read a thing, and passes what callers require of it to the
 * event log, with their access token. To be called before these routes are registered.
 */
export function useVersions(
  app: FastifyInstance,
  { db, events }: { readonly db: Kysely<Database>; readonly events: Pick<EventLog, 'catchUp'> },
): void {
  app.decorateRequest('version', undefined);
  app.decorateRequest('listedFrom', undefined);
  app.decorateRequest('precondition', undefined);
  const preHandler = async (request: FastifyRequest, reply: FastifyReply) => {
    const { reads, isVolatile = false, lists, changes } = request.routeOptions.config;
    if (reads !== undefined) {
      // The version may be older than what is answered, never newer. So what is in memory catches up after it was read.
      request.version = await findVersion(db, readThing(reads, request));
      if (!isVolatile && isKnownVersion(request.version, request.headers)) {
        return reply.code(304).send();
      }
      await events.catchUp();
    }
    if (lists !== undefined && isByCursor(request)) {
      request.listedFrom = (await readLog(db)).sequence;
      await events.catchUp();
    }
    if (changes !== undefined) {
      const precondition = parsePrecondition(changes, request.headers);
      request.precondition = precondition;
      if (request.accessToken !== undefined) {
        const caller: Caller = { ...request.accessToken, precondition };
        request.accessToken = caller;
      }
    }
    return undefined;
  };

  const preSerialization = async (request: FastifyRequest, _reply: FastifyReply, payload: unknown) => {
    const { listedFrom } = request;
    const [kind, idMember = ''] = request.routeOptions.config.lists ?? [];
    const { items } = (payload ?? {}) as { readonly items?: readonly Record<string, unknown>[] };
    if (listedFrom === undefined || items === undefined) {
      return payload;
    }
    const things = items.map((item) => `${kind}:${item[idMember]}`);
    const versions = await findVersions(db, things, listedFrom);
    const etags = things.map((thing) => versions.get(thing)).map((version) => (version ? `"${version}"` : null));
    return { ...(payload as object), etags };
  };

  const onSend = async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    const versions = [...(request.precondition?.versions.values() ?? [])];
    const version = versions.length === 1 ? versions[0] : request.version;
    if (version !== undefined && (reply.statusCode < 300 || reply.statusCode === 304)) {
      reply.header('etag', `"${version}"`);
    }
    return payload;
  };

  app.addHook('onRoute', (route) => {
    const { reads, lists, changes } = route.config ?? {};
    if ((reads ?? lists ?? changes) !== undefined) {
      route.preHandler = [preHandler, route.preHandler ?? []].flat();
      route.preSerialization = [preSerialization, route.preSerialization ?? []].flat();
      route.onSend = [onSend, route.onSend ?? []].flat();
    }
  });
}

function isByCursor({ query }: FastifyRequest): boolean {
  return (query as { readonly cursor?: string }).cursor !== undefined;
}

function readThing(kind: string, { params }: FastifyRequest): string {
  const [id] = Object.values(params as Record<string, string>);
  return id === undefined ? kind : `${kind}:${id}`;
}
