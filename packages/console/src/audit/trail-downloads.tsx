/** Buttons that save the trail as a file, and a signed checkpoint of its end. */
import {
  type AdminClient,
  csvHead,
  type NamedEvent,
  operations,
  readTrail,
  toCsvLines,
  toJsonLines,
} from '@postern/admin';
import { useCall } from '../session/use-admin.ts';
import { CallError } from '../shapes/call-error.tsx';
import { Button } from '../ui/button.tsx';
import { saveFile } from './save-file.ts';
import { type EventFilter, toQuery } from './use-events.ts';

export function TrailDownloads({ filter }: { readonly filter: EventFilter }) {
  const jsonLines = useCall(async (admin) =>
    saveFile('audit.jsonl', 'application/jsonl', await formatTrail(admin, filter, toJsonLines)),
  );
  const csv = useCall(async (admin) =>
    saveFile('audit.csv', 'text/csv', [csvHead, ...(await formatTrail(admin, filter, toCsvLines))]),
  );
  const checkpoint = useCall(async (admin) => {
    const signed = await admin.send(operations.events.getCheckpoint());
    saveFile(`checkpoint-${signed.sequence}.json`, 'application/json', [`${JSON.stringify(signed, null, 2)}\n`]);
  });
  return (
    <>
      <div className="row">
        <Button small onPress={jsonLines.run} pending={jsonLines.pending}>
          Export as JSON lines
        </Button>
        <Button small onPress={csv.run} pending={csv.pending}>
          Export as CSV
        </Button>
        <Button small onPress={checkpoint.run} pending={checkpoint.pending}>
          Verify, and save a checkpoint
        </Button>
      </div>
      <CallError title="Not exported" call={jsonLines} />
      <CallError title="Not exported" call={csv} />
      <CallError title="The trail could not be verified" call={checkpoint} />
    </>
  );
}

/** Keeps the text of each page only, since a trail can have a million events. */
async function formatTrail(
  admin: AdminClient,
  filter: EventFilter,
  format: (events: readonly NamedEvent[]) => string,
): Promise<string[]> {
  const parts: string[] = [];
  for await (const events of readTrail(admin, toQuery(filter))) {
    parts.push(format(events));
  }
  return parts;
}
