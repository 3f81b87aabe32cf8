/** `postern stream`: who receives events, and whether they take them. docs/shared-signals.md. */
import { operations, type ReceiverStream } from '@postern/admin';
import type { Command } from 'commander';
import { verbGroup } from '../command/verb.ts';
import { deleteVerb, type ListedThing, listVerb, showVerb } from '../connection/thing-verbs.ts';
import { formatRecord } from '../output/table.ts';

const stream: ListedThing<ReceiverStream> = {
  group: 'stream',
  noun: 'event stream',
  id: 'id',
  example: '8f2b6c1e0d9a4b7f8e3c5d6a7b8c9d0e',
  operations: operations.streams,
  several: 'streams',
  none: 'There are no event streams.',
  columns: ['id', 'client id', 'delivery', 'status', 'why', 'fault'],
  row: (one) => [one.id, one.client_id, deliveryOf(one), one.status, one.reason, one.fault],
  format: formatStream,
};

export function streamCommand(): Command {
  return verbGroup('stream', 'See and end the event streams of receivers (Shared Signals).', [
    listVerb(stream, 'List the event streams, the oldest first.'),
    showVerb(stream, 'Show an event stream.', 'what it delivers, and how'),
    deleteVerb(
      stream,
      'Delete an event stream of any receiver.',
      ', and its receiver gets no events until it creates another one.',
    ),
  ]);
}

function deliveryOf({ delivery }: ReceiverStream): string {
  return delivery.method === 'urn:ietf:rfc:8935' ? `push to ${delivery.endpoint_url}` : 'poll';
}

function formatStream(one: ReceiverStream): string {
  return formatRecord([
    ['id', one.id],
    ['client id', one.client_id],
    ['description', one.description],
    ['delivery', deliveryOf(one)],
    ['events', one.events_delivered.map((type) => type.split('/').at(-1)).join(', ')],
    ['default subjects', one.default_subjects],
    ['status', one.status],
    ['why', one.reason],
    ['fault', one.fault],
    ['created', one.created_at],
  ]);
}
