/** Privacy policies: how requests by people about their data are answered. */
import { ifUnchanged, operations, type Policy, requireWritten } from '@postern/admin';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ReadOne } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useChange } from '../session/use-admin.ts';
import { FormDialog, useForm } from '../shapes/form.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { firstPage, Pagination, pageSize } from '../ui/pagination.tsx';

export function PoliciesPage() {
  const [place, setPlace] = useState(firstPage);
  const [creating, setCreating] = useState(false);
  const mayCreate = useSession().may('policy:create_or_update');
  return (
    <Page
      title="Policies"
      description="How requests by people to access or erase their data are answered."
      actions={
        mayCreate && (
          <Button kind="primary" onPress={() => setCreating(true)}>
            New policy
          </Button>
        )
      }
    >
      <Requires scope="policy:read">
        <ReadOne operation={operations.policies.list({ cursor: place.cursor, size: pageSize })}>
          {({ items, ...list }) => (
            <>
              <DataTable
                caption="Policies"
                keyOf={({ key }) => key}
                rows={items}
                empty={
                  <Empty title="No policies yet">
                    A policy has rules. A rule exports or erases data, and its targets say which data.
                    {mayCreate && <Button onPress={() => setCreating(true)}>Create the first policy</Button>}
                  </Empty>
                }
                columns={[
                  {
                    title: 'Policy',
                    cell: ({ key, name }) => (
                      <TwoLines
                        first={
                          <Link href={pathOf(key)} className="row-link">
                            {name}
                          </Link>
                        }
                        second={<code>{key}</code>}
                      />
                    ),
                  },
                  { title: 'Handles', cell: ({ drp_action }) => drp_action ?? <span className="muted">–</span> },
                  { title: 'Rules', end: true, cell: ({ rules }) => rules.length },
                  { title: 'Targets', end: true, cell: ({ rules }) => rules.flatMap(({ targets }) => targets).length },
                ]}
              />
              <Pagination {...list} noun="policies" place={place} onPlace={setPlace} />
            </>
          )}
        </ReadOne>
        {creating && <NewPolicyDialog onClose={() => setCreating(false)} />}
      </Requires>
    </Page>
  );
}

const pathOf = (key: string): string => `/policies/${encodeURIComponent(key)}`;

function NewPolicyDialog({ onClose }: { readonly onClose: () => void }) {
  const [, navigate] = useLocation();
  const { values, field } = useForm({ name: '', key: '', action: '' as '' | 'access' | 'deletion' });
  const { name, key, action } = values;
  const save = useChange(
    async (admin) => {
      const element = { name, ...(key !== '' && { key }), ...(action !== '' && { drp_action: action }) };
      const created = ifUnchanged(operations.policies.save([element]), undefined);
      return requireWritten(await admin.send(created)) as [Policy];
    },
    { notice: `Policy ${name} saved`, onDone: ([policy]) => navigate(pathOf(policy.key)) },
  );
  return (
    <FormDialog title="New policy" call={save} action="Save policy" onClose={onClose}>
      <TextField label="Name" {...field('name')} isRequired autoFocus />
      <TextField label="Key" {...field('key')} mono description="If empty, it is derived from the name." />
      <SelectField
        label="Action of the Data Rights Protocol that it handles"
        {...field('action')}
        options={[{ value: '', label: 'None' }, 'access', 'deletion']}
      />
    </FormDialog>
  );
}
