/** An event stream, and what it delivers. SSF 1.0 §8.1. Pure. */
import { feedPageEvent } from '@postern/protocol';
import { defaultEvents, supportedEvents } from './event-types.ts';
import type { Signal } from './signal.ts';

/** SSF 1.0 §6.1. */
export const deliveryMethods = { push: 'urn:ietf:rfc:8935', poll: 'urn:ietf:rfc:8936' } as const;

export type Delivery =
  | { readonly method: 'poll' }
  | {
      readonly method: 'push';
      readonly endpointUrl: string;
      /** What the receiver wants in each request: a secret. */
      readonly authorizationHeader: string | undefined;
    };

/** SSF 1.0 §8.1.2. */
export type StreamStatus = 'enabled' | 'paused' | 'disabled';

/** Whether a stream is about all subjects but those that were removed, or only about those that were added. */
export type DefaultSubjects = 'ALL' | 'NONE';

/** What a receiver decides. */
export interface StreamConfiguration {
  readonly delivery: Delivery;
  /** Undefined: all. */
  readonly eventsRequested: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly defaultSubjects: DefaultSubjects;
}

export interface Stream extends StreamConfiguration {
  readonly id: string;
  /** The receiver. */
  readonly clientId: string;
  readonly status: StreamStatus;
  readonly reason: string | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Everything in the log up to this event was delivered, or is not for this stream. */
  readonly position: number;
  /** The ids of SETs after that which the receiver has already. */
  readonly received: readonly string[];
  /** What the receiver, or the way to it, complained about last. */
  readonly fault: string | undefined;
}

/** Streams of one client, and of all, at most. */
export const mostStreamsOfClient = 100;
export const mostStreams = 1_000;

/** Subjects that are added to a stream or removed from it, at most. */
export const mostSubjects = 10_000;

/** Seconds between two verifications of a stream, at least. SSF 1.0 §8.1.1. */
export const minVerificationInterval = 60;

/**
 * How far a stream may be behind before it is paused: in events of the log, and in milliseconds. Nothing is lost by it, for
 * the log has all of them, but somebody must look after a receiver that takes nothing.
 */
export const mostEventsBehind = 10_000;
export const mostMsBehind = 7 * 86_400_000;

/** Characters of a fault that are kept. */
const mostFaultLength = 500;

/** The types of event that it delivers. */
export function eventsDelivered({ eventsRequested }: Pick<Stream, 'eventsRequested'>): readonly string[] {
  return eventsRequested === undefined
    ? defaultEvents
    : supportedEvents.filter((type) => eventsRequested.includes(type));
}

/** Whether it delivers the pages of the revocation feed, and so nothing else. */
export function deliversFeed(stream: Pick<Stream, 'eventsRequested'>): boolean {
  return stream.eventsRequested?.includes(feedPageEvent) === true;
}

/** Whether a stream delivers a signal, if its receiver wants to hear of the subject. */
export function delivers(
  { id, eventsRequested }: Pick<Stream, 'id' | 'eventsRequested'>,
  { type, streamId }: Signal,
): boolean {
  return streamId === undefined ? eventsRequested === undefined || eventsRequested.includes(type) : streamId === id;
}

/** Whether its receiver wants to hear of the subject. `listed`: the keys of those that were added or removed. */
export function isWanted(
  { defaultSubjects }: Pick<Stream, 'defaultSubjects'>,
  { about }: Signal,
  listed: ReadonlySet<string>,
): boolean {
  return about === undefined || about.some((key) => listed.has(key)) === (defaultSubjects === 'NONE');
}

/** What a receiver complained about, as one line of text, whatever it has sent: it goes to the log and to administrators. */
export function showFault(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, mostFaultLength);
}
