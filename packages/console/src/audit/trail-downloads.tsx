/** Buttons that save the trail as a file, and a signed checkpoint of its end. */
import { operations } from '@postern/admin';
import { useCall } from '../session/use-admin.ts';
import { CallError } from '../shapes/call-error.tsx';
import { Button } from '../ui/button.tsx';
import { download, readTrail, toCsv, toJsonLines } from './export-trail.ts';
import type { EventFilter } from './use-events.ts';

export function TrailDownloads({ filter }: { readonly filter: EventFilter }) {
  const jsonLines = useCall(async (admin) =>
    download('audit.jsonl', 'application/jsonl', toJsonLines(await readTrail(admin, filter))),
  );
  const csv = useCall(async (admin) => download('audit.csv', 'text/csv', toCsv(await readTrail(admin, filter))));
  const checkpoint = useCall(async (admin) => {
    const signed = await admin.send(operations.events.getCheckpoint());
    download(`checkpoint-${signed.sequence}.json`, 'application/json', `${JSON.stringify(signed, null, 2)}\n`);
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
