/** Privacy policies: how requests of people about their data are answered. */

import { operations, type Policy, type PolicyElement, requireWritten } from '@postern/admin';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange, useRead } from '../session/use-admin.ts';
import { Button } from '../ui/button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Dialog, FormActions } from '../ui/dialog.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty, Loaded } from '../ui/loaded.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Pagination } from '../ui/pagination.tsx';

export function PoliciesPage() {
  const session = useSession();
  const [, navigate] = useLocation();
  const [page, setPage] = useState(1);
  const [creating, setCreating] = useState(false);
  const policies = useRead(session.may('policy:read') ? operations.policies.list({ page, size: 25 }) : undefined);
  const mayWrite = session.may('policy:create_or_update');
  return (
    <Page
      title="Policies"
      description="How requests of people to access or erase their data are answered."
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setCreating(true)}>
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
                <p>A policy has rules. A rule exports or erases data, and its targets say which data.</p>
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
        <Dialog title="New policy" isOpen={creating} onClose={() => setCreating(false)}>
          <PolicyForm
            onClose={() => setCreating(false)}
            onCreated={({ key }) => navigate(`/policies/${encodeURIComponent(key)}`)}
          />
        </Dialog>
      </Requires>
    </Page>
  );
}

interface PolicyFormProps {
  readonly onClose: () => void;
  readonly onCreated: (policy: Policy) => void;
}

function PolicyForm({ onClose, onCreated }: PolicyFormProps) {
  const notify = useNotice();
  const [name, setName] = useState('');
  const [key, setKey] = useState('');
  const [action, setAction] = useState<'' | 'access' | 'deletion'>('');
  const save = useChange(async (admin, element: PolicyElement) => requireWritten(await admin.policies.save([element])));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await save.run({
      name,
      ...(key !== '' && { key }),
      ...(action !== '' && { drp_action: action }),
    });
    const [policy] = saved?.value ?? [];
    if (policy !== undefined) {
      notify(`Policy ${name} saved`);
      onCreated(policy);
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextField label="Name" value={name} onChange={setName} isRequired autoFocus />
      <TextField label="Key" value={key} onChange={setKey} mono description="If empty, it is derived from the name." />
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
