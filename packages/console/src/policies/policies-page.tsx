/** Privacy policies: what is done with personal data when a person asks. */
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { withQuery } from '../api/api.ts';
import type { Page as PageOf, Policy } from '../api/contract.ts';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useGet } from '../session/use-api.ts';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Dialog, FormActions } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Pagination } from '../ui/pagination.tsx';
import { putOne } from './put-one.ts';

export function PoliciesPage() {
  const session = useSession();
  const [, navigate] = useLocation();
  const [page, setPage] = useState(1);
  const [making, setMaking] = useState(false);
  const policies = useGet<PageOf<Policy>>(
    session.may('policy:read') ? withQuery('policy', { page, size: 25 }) : undefined,
  );
  const mayWrite = session.may('policy:create_or_update');
  return (
    <Page
      title="Policies"
      description="What is to be done when a person asks for their data, or asks that it be erased."
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setMaking(true)}>
            New policy
          </Button>
        )
      }
    >
      <Requires scope="policy:read">
        <Loaded query={policies}>
          {({ items, ...list }) =>
            items.length === 0 ? (
              <Empty title="No policies yet">
                <p>A policy has rules; a rule gives data out or erases it, and its targets say which data.</p>
              </Empty>
            ) : (
              <>
                <DataTable
                  caption="Policies"
                  keyOf={({ key }) => key}
                  rows={items}
                  columns={[
                    {
                      title: 'Policy',
                      cell: ({ key, name }) => (
                        <div className="two-lines">
                          <Link href={`/policies/${encodeURIComponent(key)}`} className="row-link">
                            {name}
                          </Link>
                          <code className="muted">{key}</code>
                        </div>
                      ),
                    },
                    { title: 'Answers', cell: ({ drp_action }) => drp_action ?? <span className="muted">–</span> },
                    { title: 'Rules', end: true, cell: ({ rules }) => rules.length },
                    {
                      title: 'Targets',
                      end: true,
                      cell: ({ rules }) => rules.reduce((count, { targets }) => count + targets.length, 0),
                    },
                  ]}
                />
                <Pagination {...list} noun="policies" onPage={setPage} />
              </>
            )
          }
        </Loaded>
        <Dialog title="New policy" isOpen={making} onClose={() => setMaking(false)}>
          <PolicyForm
            onClose={() => setMaking(false)}
            onMade={({ key }) => navigate(`/policies/${encodeURIComponent(key)}`)}
          />
        </Dialog>
      </Requires>
    </Page>
  );
}

interface PolicyFormProps {
  readonly onClose: () => void;
  readonly onMade: (policy: Policy) => void;
}

function PolicyForm({ onClose, onMade }: PolicyFormProps) {
  const notify = useNotice();
  const [name, setName] = useState('');
  const [key, setKey] = useState('');
  const [action, setAction] = useState('');
  const save = useChange((api, element: object) => putOne<Policy>(api, 'policy', element));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await save.run({
      name,
      ...(key !== '' && { key }),
      ...(action !== '' && { drp_action: action }),
    });
    if (saved !== undefined) {
      notify(`Policy ${name} saved`);
      onMade(saved.value);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextField label="Name" value={name} onChange={setName} isRequired autoFocus />
      <TextField label="Key" value={key} onChange={setKey} mono description="Left empty, it comes from the name." />
      <SelectField
        label="Action of the Data Rights Protocol that it answers"
        value={action}
        onChange={setAction}
        options={[
          { value: '', label: 'None' },
          { value: 'access', label: 'access' },
          { value: 'deletion', label: 'deletion' },
        ]}
      />
      <ErrorNote error={save.error} />
      <FormActions action="Save policy" pending={save.pending} onCancel={onClose} />
    </form>
  );
}
