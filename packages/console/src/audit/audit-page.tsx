/** The audit trail: who changed what, when. The filters are in the address of the page; new events can be followed live. */
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { Requires } from '../session/requires.tsx';
import { Button } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { Page } from '../ui/page.tsx';
import { kindFilters } from './event-labels.ts';
import { EventTable } from './event-table.tsx';
import { TrailDownloads } from './trail-downloads.tsx';
import { type EventFilter, useEvents } from './use-events.ts';
import { useLiveEvents } from './use-live-events.ts';

export function AuditPage() {
  const [params, setParams] = useSearchParams();
  const filter: EventFilter = {
    kind: params.get('kind') ?? '',
    actor: params.get('actor') ?? '',
    subject: params.get('subject') ?? '',
    from: params.get('from') ?? '',
    to: params.get('to') ?? '',
  };
  const before = params.get('before');
  const change = (next: Readonly<Record<string, string>>) =>
    setParams(
      (now) =>
        new URLSearchParams(
          Object.entries({ ...Object.fromEntries(now), before: '', ...next }).filter(([, value]) => value !== ''),
        ),
      { replace: true },
    );
  return (
    <Page
      title="Audit"
      description="Every change: who made it, and when. The events are chained by hashes, so that tampering is detected."
    >
      <Requires scope="audit:read">
        <div className="toolbar">
          <SelectField
            label="What"
            value={filter.kind ?? ''}
            options={kindFilters}
            onChange={(kind) => change({ kind })}
          />
          <FilterField
            key={`by ${filter.actor}`}
            label="By"
            value={filter.actor}
            onApply={(actor) => change({ actor })}
          />
          <FilterField
            key={`on ${filter.subject}`}
            label="On"
            value={filter.subject}
            onApply={(subject) => change({ subject })}
          />
          <TextField label="From" type="date" value={filter.from ?? ''} onChange={(from) => change({ from })} />
          <TextField label="To" type="date" value={filter.to ?? ''} onChange={(to) => change({ to })} />
        </div>
        <TrailDownloads filter={filter} />
        <Trail
          key={JSON.stringify([filter, before])}
          filter={filter}
          before={before === null ? undefined : Number(before)}
          onBefore={(sequence) => change({ before: sequence === undefined ? '' : String(sequence) })}
        />
      </Requires>
    </Page>
  );
}

interface FilterFieldProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly onApply: (value: string) => void;
}

/** A field for an id. The filter applies on Enter, or when the field loses the focus. */
function FilterField({ label, value = '', onApply }: FilterFieldProps) {
  const [text, setText] = useState(value);
  const apply = () => text.trim() !== value && onApply(text.trim());
  return (
    <TextField
      label={label}
      type="search"
      mono
      placeholder="ID"
      value={text}
      onChange={setText}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  );
}

interface TrailProps {
  readonly filter: EventFilter;
  readonly before: number | undefined;
  readonly onBefore: (sequence: number | undefined) => void;
}

function Trail({ filter, before, onBefore }: TrailProps) {
  const events = useEvents({ ...filter, before, size: 50 });
  const [followedFrom, setFollowedFrom] = useState<number>();
  const live = useLiveEvents(filter, followedFrom);
  return (
    <Loaded query={events}>
      {({ items, next, head, names }) => (
        <>
          <div className="row toolbar-line">
            {before === undefined && (
              <Button
                small
                kind={followedFrom === undefined ? 'secondary' : 'primary'}
                onPress={() => setFollowedFrom(followedFrom === undefined ? head : undefined)}
              >
                {followedFrom === undefined ? 'Follow live' : 'Stop following'}
              </Button>
            )}
            <span className="hint" role="status">
              {followedFrom !== undefined && liveLabel(live.events.length)}
            </span>
          </div>
          <ErrorNote title="Live events are interrupted" error={live.error ?? null} />
          <EventTable
            events={
              followedFrom === undefined
                ? items
                : [...live.events, ...items.filter(({ sequence }) => sequence <= followedFrom)]
            }
            names={{ ...names, ...live.names }}
          />
          <div className="row spread">
            {before !== undefined && <Button onPress={() => onBefore(undefined)}>Newest</Button>}
            {next !== null && <Button onPress={() => onBefore(next)}>Older</Button>}
          </div>
        </>
      )}
    </Loaded>
  );
}

function liveLabel(count: number): string {
  return count === 0 ? 'Waiting for new events' : `${count} new ${count === 1 ? 'event' : 'events'}`;
}
